// Reads [{at, mermaid | formula}] from stdin; prints those that do not parse, as JSON.
import { readFileSync } from "node:fs";
import { JSDOM } from "jsdom";
import katex from "katex";

globalThis.window = new JSDOM("").window; // mermaid sanitizes labels with the browser's DOM
globalThis.document = window.document;
const { default: mermaid } = await import("mermaid");

const faults = [];
for (const job of JSON.parse(readFileSync(0, "utf8"))) {
  try {
    if (job.mermaid) await mermaid.parse(job.mermaid);
    else katex.renderToString(job.formula, { throwOnError: true });
  } catch (error) {
    faults.push(`${job.at}: ${error.message}`);
  }
}
console.log(JSON.stringify(faults));
