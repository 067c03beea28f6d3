rule gaussian_mixture:
    input:
        script="examples/gaussian_mixture.py",
        data="data/digits.safetensors",
    output:
        update("results/external/gaussian_mixture.npz"),
    log:
        "results/logs/gaussian_mixture.log",
    shell:
        "genbench outside --reads {input.script} --reads {input.data} --out {output} --"
        " python {input.script} {input.data} {output} 2> {log}"


if EXTERNAL:

    rule import_samples:
        input:
            code_of("import"),
            kind_code("drawing"),
            lambda wildcards: os.path.expanduser(EXTERNAL[wildcards.run]["samples"]),
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
            "results/logs/import/{run}.log",
        wildcard_constraints:
            run="|".join(EXTERNAL),
        params:
            entry=lambda wildcards: EXTERNAL[wildcards.run],
        shell:
            "genbench import --run {wildcards.run} --data {input.data}"
            " --out results/runs/{wildcards.run} 2> {log}"
