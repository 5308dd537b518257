// Reads [{at, mermaid | page}] from stdin. A page is Markdown; it is rendered, and its formulas are
// taken from the text that a reader's browser gets. Prints as JSON what does not parse, and the
// formulas of each page in their order.
import { readFileSync } from "node:fs";
import { JSDOM } from "jsdom";
import katex from "katex";
import MarkdownIt from "markdown-it";

globalThis.window = new JSDOM("").window; // mermaid sanitizes labels with the browser's DOM
globalThis.document = window.document;
const { default: mermaid } = await import("mermaid");

const markdown = new MarkdownIt({ html: true, linkify: true }); // tables and ~~ are GFM's
const INLINE = new Set(["A", "B", "DEL", "EM", "I", "S", "SPAN", "STRONG", "SUB", "SUP"]);
const CODE = /\uE000(\d+)\uE001/;
const FORMULA = new RegExp(
  `\\$${CODE.source}\\$` + // $\`...\`$
    String.raw`|\$\$((?:[^$\n]|\n(?!\n))+?)\$\$|(?<![\\$])\$((?:[^$\n]|\n(?!\n))+?)\$(?!\d)`,
  "g",
);

// The formulas of rendered Markdown as GitHub finds them, after escapes and emphasis were applied.
function formulas(page) {
  const root = new JSDOM(markdown.render(page)).window.document.body;
  const found = [];
  let text = "", codes = [];
  const flush = () => { // at the edge of each paragraph, cell, heading, item
    for (const [whole, code, block, inline] of text.matchAll(FORMULA)) {
      const tex = code ? codes[code] : (block ?? inline);
      if (CODE.test(tex)) continue; // a code span between two dollars
      found.push({ tex, block: whole.startsWith("$$") });
    }
    text = "";
    codes = [];
  };
  const walk = (node) => {
    if (node.nodeType === 3) text += node.data;
    else if (node.nodeName === "CODE") text += `\uE000${codes.push(node.textContent) - 1}\uE001`;
    else if (node.nodeName === "PRE") {
      flush();
      if (node.querySelector("code.language-math"))
        found.push({ tex: node.textContent, block: true });
    } else if (node.nodeType === 1) {
      const edge = !INLINE.has(node.nodeName);
      if (edge) flush();
      node.childNodes.forEach(walk);
      if (edge) flush();
    }
  };
  walk(root);
  flush();
  return found;
}

const faults = [];
const pages = {};
for (const job of JSON.parse(readFileSync(0, "utf8"))) {
  const attempt = async (at, parse) => {
    try {
      await parse();
    } catch (error) {
      faults.push(`${at}: ${error.message}`);
    }
  };
  if (job.mermaid) await attempt(job.at, () => mermaid.parse(job.mermaid));
  else {
    const found = formulas(job.page);
    pages[job.at] = found.map(({ tex }) => tex);
    for (const { tex, block } of found)
      await attempt(`${job.at}: ${tex.trim()}`, () =>
        katex.renderToString(tex, { throwOnError: true, displayMode: block, strict: "ignore" }));
  }
}
console.log(JSON.stringify({ faults, formulas: pages }));
