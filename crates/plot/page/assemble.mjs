// Bundles the viewer, the script that follows runs in a page that is served, and the list of runs; writes them and the
// licence file of what they contain into ../assets/page and into the assets of the crate that serves them.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import * as esbuild from "esbuild";

const out = new URL("../assets/page/", import.meta.url);
const read = (path) => readFileSync(new URL(path, import.meta.url), "utf8");

const bundle = async (entry) => {
  const { outputFiles, metafile } = await esbuild.build({
    entryPoints: [entry], bundle: true, minify: true, write: false, format: "iife", target: "es2022",
    charset: "utf8", legalComments: "none", metafile: true,
  });
  const js = outputFiles[0].text.trim();
  if (/<\/script|<!--/i.test(js)) throw new Error(`the bundle of ${entry} would end or disturb its script element`);
  return { js, inputs: Object.keys(metafile.inputs) };
};
const style = async (...files) => (await esbuild.transform(files.map(read).join(""), { loader: "css", minify: true })).code.trim();
const [viewer, live, list] = [await bundle("src/main.ts"), await bundle("src/live/live.ts"), await bundle("src/list/list.ts")];
for (const { inputs } of [live, list]) {
  if (inputs.some((path) => path.startsWith("node_modules/"))) throw new Error("licences are collected for the viewer alone");
}

const packages = [...new Set(viewer.inputs
  .filter((path) => path.startsWith("node_modules/"))
  .map((path) => path.split("/")[1]))].sort();
const licences = packages.map((name) => {
  const { version, license } = JSON.parse(read(`node_modules/${name}/package.json`));
  const text = read(`node_modules/${name}/LICENSE`).trim();
  return { name, version, license, text };
});
const notice = licences.map((l) => `${l.name} ${l.version} (${l.license})\n\n${l.text}\n`).join("\n----\n\n");

const fill = (page, mark, text) => page.split(mark).join(text);
let page = read("src/template.html");
page = fill(page, "/*CSS*/", await style("src/base.css", "src/viewer.css"));
page = fill(page, "/*JS*/", `/*! Contains the following packages.\n\n${notice}*/\n${viewer.js}`);
let runs = read("src/list/list.html");
runs = fill(runs, "/*CSS*/", await style("src/base.css", "src/list/list.css"));
runs = fill(runs, "/*JS*/", list.js);

const served = new URL("../../view/assets/", import.meta.url);
for (const folder of [out, served]) mkdirSync(folder, { recursive: true });
writeFileSync(new URL("viewer.html", out), page);
writeFileSync(new URL("live.html", out), `<style>${await style("src/live/live.css")}</style><script>${live.js}</script>`);
writeFileSync(new URL("LICENSES.txt", out), `The viewer (viewer.html) contains these packages.\n\n${notice}`);
writeFileSync(new URL("runs.html", served), runs);
console.log(`viewer.html: ${(page.length / 1024).toFixed(0)} KiB with ${packages.join(", ")}`);
