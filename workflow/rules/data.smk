rule prepare:
    input:
        source_file,
        f"{SOURCE}/data/__init__.py",
        python_files("data/parts"),
    output:
        update("data/{dataset}.safetensors"),
    log:
        "results/logs/prepare/{dataset}.log",
    params:
        entry=lambda wildcards: DATASETS[wildcards.dataset],
    shell:
        "genbench prepare --dataset {wildcards.dataset} --out {output} 2> {log}"


rule extractor:
    input:
        f"{SOURCE}/batches.py",
        f"{SOURCE}/core.py",
        python_files("extractors", "kinds"),
        data="data/{dataset}.safetensors",
    output:
        weights=update("results/extractors/{dataset}.safetensors"),
        card=update("results/extractors/{dataset}.json"),
    log:
        "results/logs/extractor/{dataset}.log",
    threads: config["extractor"].get("threads", 1)
    params:
        entry=config["extractor"],
    shell:
        "genbench extractor --data {input.data} --out {output.weights} 2> {log}"
