rule train:
    input:
        f"{SOURCE}/batches.py",
        f"{SOURCE}/capabilities.py",
        f"{SOURCE}/core.py",
        f"{SOURCE}/execution.py",
        f"{SOURCE}/parallel.py",
        f"{SOURCE}/training.py",
        f"{SOURCE}/watching.py",
        python_files("nn"),
        model_file,
        data=data_file,
    output:
        update("results/runs/{run}/model.safetensors"),
        update("results/runs/{run}/curve.csv"),
        update("results/runs/{run}/frames.npz"),
    log:
        "results/logs/train/{run}.log",
    threads: threads_of_training
    resources:
        gpu=gpus_of_training,
    params:
        entry=lambda wildcards: RUNS[wildcards.run],
    shell:
        "genbench train --run {wildcards.run} --data {input.data}"
        " --out results/runs/{wildcards.run} 2> {log}"


rule sample:
    input:
        f"{SOURCE}/batches.py",
        f"{SOURCE}/capabilities.py",
        f"{SOURCE}/core.py",
        f"{SOURCE}/pictures.py",
        f"{SOURCE}/sampling.py",
        python_files("kinds", "nn"),
        model_file,
        "results/runs/{run}/model.safetensors",
        data=data_file,
    output:
        update("results/runs/{run}/samples.npz"),
        report(
            update("results/runs/{run}/grid.png"),
            caption="../report/grid.rst",
            category="Samples",
            labels={"run": "{run}", "picture": "samples"},
        ),
    log:
        "results/logs/sample/{run}.log",
    wildcard_constraints:
        run="|".join(RUNS),
    threads: threads_of
    resources:
        gpu=gpus_of,
    params:
        entry=lambda wildcards: RUNS[wildcards.run],
    shell:
        "genbench sample --run {wildcards.run} --data {input.data}"
        " --out results/runs/{wildcards.run} 2> {log}"


rule novelty:
    input:
        f"{SOURCE}/audit.py",
        f"{SOURCE}/folds.py",
        f"{SOURCE}/pictures.py",
        python_files("kinds", "metrics", "novelty"),
        "results/runs/{run}/samples.npz",
        data=data_file,
    output:
        update("results/runs/{run}/novelty.json"),
        report(
            update("results/runs/{run}/nearest.png"),
            caption="../report/nearest.rst",
            category="Novelty",
            labels={"run": "{run}", "picture": "closest pairs"},
        ),
    log:
        "results/logs/novelty/{run}.log",
    shell:
        "genbench novelty --run {wildcards.run} --data {input.data}"
        " --out results/runs/{wildcards.run} 2> {log}"


rule evaluate:
    input:
        f"{SOURCE}/batches.py",
        f"{SOURCE}/evaluation.py",
        f"{SOURCE}/folds.py",
        f"{SOURCE}/images.py",
        python_files("extractors", "kinds", "metrics"),
        weights_file,
        "results/runs/{run}/samples.npz",
        data=data_file,
        extractor=extractor_file,
    output:
        update("results/runs/{run}/replicates.npz"),
        update("results/runs/{run}/metrics.json"),
    log:
        "results/logs/evaluate/{run}.log",
    threads: threads_of
    resources:
        gpu=gpus_of,
    params:
        entry=lambda wildcards: ROWS[wildcards.run],
    shell:
        "genbench evaluate --run {wildcards.run} --data {input.data}"
        " --extractor {input.extractor} --out results/runs/{wildcards.run} 2> {log}"
