"""What axe-core finds wrong with a page, in headless Chromium: python benchmarks/accessibility.py PAGE axe.min.js.

docs/report.md says how axe-core is fetched.  One run of each
section is opened, since what is folded away is not judged, and all sections are laid out, since what stands behind a
word is found by its place.  Exit code 1 where anything is serious or critical.
"""

import html
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

DRIVER = """
<pre id="axe"></pre>
<style>main > section { content-visibility: visible !important; }</style>
<script>
addEventListener("load", () => {
  const seen = new Set();  // one run of each section and its gallery stand for the rest
  for (const each of document.querySelectorAll("details"))
    if (!seen.has(each.className + each.dataset.section)) {
      seen.add(each.className + each.dataset.section);
      each.open = true;
    }
  setTimeout(() => axe.run({ resultTypes: ["violations"] }).then(
    (found) => { document.getElementById("axe").textContent = JSON.stringify(found.violations.map((each) => ({
      rule: each.id, impact: each.impact, help: each.help, count: each.nodes.length,
      where: each.nodes.slice(0, 3).map((node) => node.target.join(" ") + ": " + (node.any[0]?.message ?? "")) }))); },
    (error) => { const broken = { rule: String(error), impact: "critical", help: "", count: 1, where: [] };
      document.getElementById("axe").textContent = JSON.stringify([broken]); }), 500);
});
</script>
</body>"""


def main(page: Path, axe: Path, dark: bool) -> int:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        print("no Chromium here; expected one on the path", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        driven = Path(folder) / "page.html"
        text = page.read_text(encoding="utf-8")
        if dark:
            text = text.replace("@media (prefers-color-scheme: dark)", "@media all")
        script = f"<script>{axe.read_text(encoding='utf-8')}</script>"
        driven.write_text(text.replace("</body>", script + DRIVER), encoding="utf-8")
        command = [
            chromium,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            f"--user-data-dir={folder}/profile",
        ]
        command += ["--window-size=1400,1000", "--virtual-time-budget=600000", "--dump-dom", driven.as_uri()]
        dom = subprocess.run(command, capture_output=True, text=True, check=True, timeout=580).stdout
    found = re.search(r'<pre id="axe">(.*?)</pre>', dom, re.DOTALL)
    violations = json.loads(html.unescape(found[1])) if found and found[1] else None
    if violations is None:
        print("axe-core was not through in time", file=sys.stderr)
        return 2
    for each in violations:
        print(f"{each['impact']}: {each['rule']}: {each['help']} ({each['count']})")
        print(*(f"    {place}" for place in each["where"]), sep="\n")
    grave = [each for each in violations if each["impact"] in ("serious", "critical")]
    print(f"{len(violations)} rules broken, {len(grave)} of them serious")
    return bool(grave)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2]), dark="--dark" in sys.argv))
