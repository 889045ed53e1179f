// Asks a Pagefind index with its own script, from files: pagefind.mjs FOLDER, with the queries as JSON on standard input.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const folder = process.argv[2];
const base = "http://localhost/";
let requests = 0, bytes = 0;
globalThis.location = new URL(base);
globalThis.document = { querySelector: () => null, currentScript: null };
globalThis.fetch = async (asked) => {
  const body = readFileSync(`${folder}/${new URL(asked, base).pathname}`);
  requests += 1;
  bytes += body.length;
  return new Response(body);
};
const { createInstance } = await import(pathToFileURL(`${folder}/pagefind.js`));
const answers = [];
for (const query of JSON.parse(readFileSync(0, "utf8"))) {
  requests = bytes = 0;
  const pagefind = createInstance({ basePath: "/", baseUrl: "/" });
  const { results } = (await pagefind.search(query)) ?? { results: [] };
  const urls = (await Promise.all(results.slice(0, 10).map((one) => one.data()))).map(({ raw_url, url }) => raw_url ?? url);
  answers.push({ urls, requests, bytes });
}
process.stdout.write(JSON.stringify(answers), () => process.exit());
