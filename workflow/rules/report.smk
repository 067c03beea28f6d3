TRAINED = ("model.safetensors", "curve.csv", "followed.npz", "frames.npz")
SCORED = (
    "samples.npz",
    "grid.png",
    "nearest.png",
    "novelty.json",
    "replicates.npz",
    "metrics.json",
    "summary.json",
)


rule report:
    input:
        code_of("report", *(f"kinds/drawing/{dataset}" for dataset in DATASETS)),
        expand("data/{dataset}.safetensors", dataset=DATASETS),
        expand(
            "results/extractors/{dataset}.{kind}",
            dataset=DATASETS,
            kind=("safetensors", "json"),
        ),
        expand("results/runs/{run}/{file}", run=RUNS, file=TRAINED),
        expand("results/runs/{run}/{file}", run=ROWS, file=SCORED),
    output:
        report(
            update("results/report/index.html"),
            caption="../report/index.rst",
            category="Comparison",
            labels={"file": "the whole report"},
        ),
        report(
            update("results/report/headline.csv"),
            caption="../report/headline.rst",
            category="Comparison",
            labels={"file": "headline table"},
        ),
        update("results/report/headline.md"),
        update("results/report/headline.tex"),
        update("results/report/points.csv"),
    log:
        "results/logs/report.log",
    params:
        runs=RUNS,
        external=EXTERNAL,
        datasets=DATASETS,
    shell:
        "genbench report --out results/report 2> {log}"
