// node build.mjs WORLD OUT.wasm: bundles src/plugin.ts and makes it a component, JavaScript engine included.

import { readFile, writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { componentize } from "@bytecodealliance/componentize-js";
import { build } from "esbuild";

const [worldName, out] = process.argv.slice(2);

// Sources import "warbler:plugin/outbox"; a component names the contract's version behind it.
const world = await readFile("wit/world.wit", "utf8");
const [, version] = world.match(/^package warbler:plugin@(\S+);/m);
const contract = {
  name: "contract",
  setup(bundle) {
    bundle.onResolve({ filter: /^warbler:/ }, ({ path }) => ({ path: `${path}@${version}`, external: true }));
  },
};

const bundle = await build({
  entryPoints: ["src/plugin.ts"],
  bundle: true,
  format: "esm",
  target: "es2022",
  write: false,
  plugins: [contract],
});
const { component } = await componentize(bundle.outputFiles[0].text, {
  worldName,
  witPath: resolve("wit"),
  // Requests go through "warbler:plugin/http"; the engine's own `fetch` has no network here.
  disableFeatures: ["http", "fetch-event"],
});
await writeFile(out, component);
