rule train:
    input:
        code_of("train"),
        model_code,
        data=data_file,
    output:
        update("results/runs/{run}/model.safetensors"),
        update("results/runs/{run}/curve.csv"),
        update("results/runs/{run}/followed.npz"),
        update("results/runs/{run}/frames.npz"),
    log:
        "results/logs/train/{run}.log",
    priority: lambda wildcards: PRIORITIES["train"][wildcards.run]
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
        code_of("sample"),
        model_code,
        kind_code("drawing"),
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
        code_of("novelty"),
        kind_code("distance", "drawing"),
        "results/runs/{run}/samples.npz",
        data=data_file,
        reference=reference_file,
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
        " --out results/runs/{wildcards.run} --reference {input.reference} 2> {log}"


rule evaluate:
    input:
        code_of("evaluate"),
        model_code,
        kind_code("comparison"),
        trained_files,
        "results/runs/{run}/samples.npz",
        data=data_file,
        extractor=extractor_file,
        reference=reference_file,
    output:
        update("results/runs/{run}/replicates.npz"),
        update("results/runs/{run}/metrics.json"),
        update("results/runs/{run}/summary.json"),
    log:
        "results/logs/evaluate/{run}.log",
    threads: threads_of
    resources:
        gpu=gpus_of,
    params:
        entry=lambda wildcards: ROWS[wildcards.run],
    shell:
        "genbench evaluate --run {wildcards.run} --data {input.data}"
        " --extractor {input.extractor} --out results/runs/{wildcards.run}"
        " --reference {input.reference} 2> {log}"
