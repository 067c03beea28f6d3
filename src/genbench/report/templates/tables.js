// Each table of a section: its columns to choose, and the rows that are seen as a file for a spreadsheet or a paper.
const exports = {
  csv: (rows) => rows.map((row) => row.map((text) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)).join(",")).join("\n"),
  markdown: ([head, ...rows]) => {
    const line = (row) => `| ${row.map((text) => text.replace(/[\\|*_<>[\]`]/g, "\\$&")).join(" | ")} |`;
    return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
  },
  LaTeX: ([head, ...rows]) => {
    const signs = { "\\": "\\textbackslash{}", "~": "\\textasciitilde{}", "^": "\\textasciicircum{}", "†": "$^\\dagger$", "−": "$-$", "±": "$\\pm$",
      "≤": "$\\leq$", "≥": "$\\geq$", "×": "$\\times$", "→": "$\\rightarrow$", "↑": "$\\uparrow$", "↓": "$\\downarrow$", "∞": "$\\infty$",
      "τ": "$\\tau$", "ρ": "$\\rho$", "✓": "$\\checkmark$", "✗": "$\\times$", "<": "$<$", ">": "$>$" };
    const safe = (text) => text.replace(/[\\~^†−±≤≥×→↑↓∞τρ✓✗<>]|[&%$#_{}]/g, (sign) => signs[sign] ?? "\\" + sign);
    const line = (row) => row.map(safe).join(" & ") + " \\\\";
    const columns = head.map((_, i) => (i ? "r" : "l")).join("");
    return [`\\begin{tabular}{${columns}}`, "\\toprule", line(head), "\\midrule", ...rows.map(line), "\\bottomrule", "\\end{tabular}"].join("\n");
  },
};
const endings = { csv: "csv", markdown: "md", LaTeX: "tex" };
function words(cell) {
  const copy = cell.cloneNode(true);
  for (const each of copy.querySelectorAll(".hidden, svg title")) each.remove();
  for (const small of copy.querySelectorAll("small, .unit")) small.prepend(" ");
  return copy.textContent.replace(/\s+/g, " ").trim();
}
function texts(table) {
  const head = table.tHead.rows[table.tHead.rows.length - 1], kept = [...head.cells].filter((th) => !th.hidden && !th.classList.contains("fixed"));
  const columns = kept.map((th) => th.cellIndex), found = [columns.map((i) => words(head.cells[i]))];
  for (const body of table.tBodies) {
    for (const row of body.rows) if (!row.hidden) found.push(columns.map((i) => (row.cells[i] ? words(row.cells[i]) : "")));
  }
  return found;
}
function save(table, kind) {
  const link = document.createElement("a"), label = table.parentElement.getAttribute("aria-label");
  link.href = URL.createObjectURL(new Blob([exports[kind](texts(table)) + "\n"], { type: "text/plain" }));
  link.download = `${label.replace(/[^\p{L}\p{N}]+/gu, "-")}.${endings[kind]}`;
  link.click();
  URL.revokeObjectURL(link.href);
}
function show(table, column, shown) {
  for (const row of table.querySelectorAll("tbody tr, thead tr:last-child")) if (row.cells[column]) row.cells[column].hidden = !shown;
  const heads = table.tHead.rows[table.tHead.rows.length - 1].cells, groups = table.tHead.querySelector(".groups");
  let from = 0;
  for (const group of groups?.cells ?? []) {
    group.dataset.span ??= group.colSpan;
    const seen = [...heads].slice(from, (from += Number(group.dataset.span))).filter((th) => !th.hidden).length;
    group.hidden = !seen;
    group.colSpan = seen || 1;
  }
}
function chooser(table) {
  const box = document.createElement("details"), title = document.createElement("summary");
  title.textContent = "columns";
  box.append(title);
  box.addEventListener("toggle", () => {
    if (box.querySelector("label")) return;
    [...table.tHead.rows[table.tHead.rows.length - 1].cells].forEach((th, i) => {
      if (!i) return;
      const label = document.createElement("label"), input = document.createElement("input");
      input.type = "checkbox";
      input.checked = !th.hidden;
      input.addEventListener("change", () => show(table, i, input.checked));
      label.append(input, " ", words(th));
      box.append(label);
    });
  });
  return box;
}
for (const table of document.querySelectorAll(".scroll > table")) {
  if (table.closest("details.run")) continue;
  const tools = document.createElement("div");
  tools.className = "tools";
  if (table.matches(".sortable") && table.tHead.rows[table.tHead.rows.length - 1].cells.length > 4) tools.append(chooser(table));
  tools.append("this table as ");
  for (const kind of Object.keys(exports)) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = kind;
    button.addEventListener("click", () => save(table, kind));
    tools.append(button);
  }
  table.parentElement.after(tools);
}
