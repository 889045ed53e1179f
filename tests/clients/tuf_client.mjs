// Checks targets with tuf-js alone: node tuf_client.mjs BASE_URL ROOT_FILE FOLDER PATH...
// With HASHED=1 in the environment, targets have their digest before their names, as TUF's defaults have it.
// Prints one line of JSON for each path: its SHA-256 as the metadata has it, or the name of the error.
import { copyFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { Updater } from "tuf-js";

const [base, root, folder, ...paths] = process.argv.slice(2);
mkdirSync(join(folder, "targets"), { recursive: true });
copyFileSync(root, join(folder, "root.json"));

const updater = new Updater({
  metadataBaseUrl: `${base}/tuf`,
  metadataDir: folder,
  targetBaseUrl: `${base}/`,
  targetDir: join(folder, "targets"),
  config: { prefixTargetsWithHash: process.env.HASHED === "1", fetchRetry: 0 },
});

async function check(path) {
  try {
    const target = await updater.getTargetInfo(path);
    if (!target) return { path, error: "not vouched for" };
    await updater.downloadTarget(target);
    return { path, sha256: target.hashes.sha256 };
  } catch (error) {
    return { path, error: error.name ?? String(error) };
  }
}

try {
  await updater.refresh();
  for (const path of paths) console.log(JSON.stringify(await check(path)));
} catch (error) {
  console.log(JSON.stringify({ error: error.name ?? String(error) }));
}
