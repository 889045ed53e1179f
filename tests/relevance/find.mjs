// Answers queries as the site does, from files: find.mjs SCRIPT PATTERN, with the queries as JSON on standard input.
import { readFileSync } from "node:fs";

const [script, pattern] = process.argv.slice(2);
const FILES = 5; // as in search.js
let requests = 0, bytes = 0;
globalThis.fetch = async (path) => {
  const body = readFileSync(path);
  requests += 1;
  bytes += body.length;
  return new Response(body);
};
const { openIndex } = await import(script);
const answers = [];
for (const query of JSON.parse(readFileSync(0, "utf8"))) {
  let search = await openIndex(pattern);
  const { rows, total, better } = await search(query);
  requests = bytes = 0;
  search = await openIndex(pattern); // on a cold cache, as much as a page reads at first
  const shown = (await search(query, 10, FILES)).rows.length;
  const cold = { requests, bytes, shown };
  requests = bytes = 0;
  await search(query.replace(/\S+$/, "data"), 10, FILES);
  answers.push({ rows, total, better, ...cold, next: bytes });
}
process.stdout.write(JSON.stringify(answers));
