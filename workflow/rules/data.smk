rule prepare:
    input:
        code_of("prepare"),
        source_code,
    output:
        update("data/{dataset}.safetensors"),
    log:
        "results/logs/prepare/{dataset}.log",
    priority: lambda wildcards: PRIORITIES["prepare"][wildcards.dataset]
    params:
        entry=lambda wildcards: DATASETS[wildcards.dataset],
    shell:
        "genbench prepare --dataset {wildcards.dataset} --out {output} 2> {log}"


rule extractor:
    input:
        code_of("extractor", "kinds/extractor/{dataset}"),
        data="data/{dataset}.safetensors",
    output:
        weights=update("results/extractors/{dataset}.safetensors"),
        card=update("results/extractors/{dataset}.json"),
    log:
        "results/logs/extractor/{dataset}.log",
    threads: CONTENT["extractor"].get("threads", 1)
    params:
        entry=CONTENT["extractor"],
    shell:
        "genbench extractor --data {input.data} --out {output.weights} 2> {log}"


rule reference:
    input:
        code_of("reference", "kinds/reference/{dataset}"),
        data="data/{dataset}.safetensors",
        extractor="results/extractors/{dataset}.safetensors",
    output:
        update("results/references/{dataset}.safetensors"),
    log:
        "results/logs/reference/{dataset}.log",
    threads: CONTENT["extractor"].get("threads", 1)
    params:
        entry=CONTENT["extractor"],
    shell:
        "genbench reference --data {input.data} --extractor {input.extractor} --out {output} 2> {log}"
