// Bundles the viewer and writes the page and its licence file into ../assets/page.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import * as esbuild from "esbuild";

const out = new URL("../assets/page/", import.meta.url);
const read = (path) => readFileSync(new URL(path, import.meta.url), "utf8");

const result = await esbuild.build({
  entryPoints: ["src/main.ts"], bundle: true, minify: true, write: false, format: "iife", target: "es2022",
  charset: "utf8", legalComments: "none", metafile: true,
});
const css = await esbuild.transform(read("src/viewer.css"), { loader: "css", minify: true });

const packages = [...new Set(Object.keys(result.metafile.inputs)
  .filter((path) => path.startsWith("node_modules/"))
  .map((path) => path.split("/")[1]))].sort();
const licences = packages.map((name) => {
  const { version, license } = JSON.parse(read(`node_modules/${name}/package.json`));
  const text = read(`node_modules/${name}/LICENSE`).trim();
  return { name, version, license, text };
});
const notice = licences.map((l) => `${l.name} ${l.version} (${l.license})\n\n${l.text}\n`).join("\n----\n\n");

const js = result.outputFiles[0].text.trim();
if (/<\/script|<!--/i.test(js)) throw new Error("the bundle would end or disturb its script element");
const fill = (page, mark, text) => page.split(mark).join(text);
let page = read("src/template.html");
page = fill(page, "/*CSS*/", css.code.trim());
page = fill(page, "/*JS*/", `/*! Contains the following packages.\n\n${notice}*/\n${js}`);

mkdirSync(out, { recursive: true });
writeFileSync(new URL("viewer.html", out), page);
writeFileSync(new URL("LICENSES.txt", out), `The viewer (viewer.html) contains these packages.\n\n${notice}`);
console.log(`viewer.html: ${(page.length / 1024).toFixed(0)} KiB with ${packages.join(", ")}`);
