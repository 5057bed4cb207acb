#!/usr/bin/env node
/**
 * Leaves in node_modules what the apps run on, for container images: what the root's dependencies reach in
 * package-lock.json, less the ones that only builds and the embedded database need, less native code for other platforms.
 * (npm alone keeps the Prisma command line, an optional peer of the client: 950 MB instead of 390.)
 *
 *   node tools/prune-node-modules.mjs      in the folder to prune
 */
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const NOT_IN_IMAGES = ['prisma', 'ts7', '@electric-sql/pglite'];
const PROVIDERS_OF_PRISMA = ['cockroachdb', 'mysql', 'sqlite', 'sqlserver'];

/** Paths in the lock's `packages` that the root's dependencies reach, `without` aside. */
export function runtimePackages(lock, without) {
  const { packages } = lock;
  const names = Object.keys(packages[''].dependencies).filter((name) => !without.includes(name));
  const reached = new Set();
  const queue = names.map((name) => ['', name]);
  for (const [from, name] of queue) {
    const path = resolveFrom(packages, from, name);
    if (path === undefined || reached.has(path)) continue;
    reached.add(path);
    for (const next of needs(packages[path])) queue.push([path, next]);
  }
  return reached;
}

const needs = ({ dependencies = {}, optionalDependencies = {}, peerDependencies = {}, peerDependenciesMeta = {} }) => [
  ...Object.keys(dependencies), ...Object.keys(optionalDependencies),
  ...Object.keys(peerDependencies).filter((name) => !peerDependenciesMeta[name]?.optional),
];

/** As Node does: the nearest node_modules on the way up. */
function resolveFrom(packages, from, name) {
  for (let folder = from; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/node_modules/')))) {
    const path = folder === '' ? `node_modules/${name}` : `${folder}/node_modules/${name}`;
    if (packages[path]) return path;
    if (folder === '') return undefined;
  }
}

function prune(root) {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  const kept = runtimePackages(lock, NOT_IN_IMAGES);
  const dropped = Object.keys(lock.packages).filter((path) => path.includes('node_modules/') && !lock.packages[path].link && !kept.has(path));
  for (const path of dropped) rmSync(join(root, path), { recursive: true, force: true });
  dropForeignBinaries(join(root, 'node_modules/onnxruntime-node/bin'));
  const runtime = join(root, 'node_modules/@prisma/client/runtime');
  const foreign = new RegExp(`\\.(${PROVIDERS_OF_PRISMA.join('|')})\\.|\\.map$`);
  for (const file of readdirSync(runtime).filter((name) => foreign.test(name))) rmSync(join(runtime, file));
}

/** `bin/<napi version>/<platform>/<arch>` */
function dropForeignBinaries(bin) {
  for (const napi of existsSync(bin) ? readdirSync(bin) : []) {
    for (const platform of readdirSync(join(bin, napi))) {
      for (const arch of readdirSync(join(bin, napi, platform))) {
        if (platform !== process.platform || arch !== process.arch) rmSync(join(bin, napi, platform, arch), { recursive: true });
      }
    }
  }
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) prune(process.cwd());
