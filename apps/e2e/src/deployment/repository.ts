import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's root folder. */
export const repositoryRoot = fileURLToPath(new URL('../../../../', import.meta.url));

export const readText = (path: string): string => readFileSync(join(repositoryRoot, path), 'utf8');

/** Every source file of `folder` (an app, a lib, tools) but its specs, joined. */
export function sourceText(folder: string): string {
  return sourceFiles(join(repositoryRoot, folder)).map((file) => readFileSync(file, 'utf8')).join('\n');
}

function sourceFiles(folder: string): string[] {
  return readdirSync(folder).filter((name) => !['dist', 'node_modules', 'generated'].includes(name)).flatMap((name) => {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) return sourceFiles(path);
    return /\.(ts|mjs)$/.test(name) && !name.includes('.spec.') ? [path] : [];
  });
}

/** Every document, by its path from the root. */
export function documents(folder = ''): string[] {
  return readdirSync(join(repositoryRoot, folder)).filter((name) => !['dist', 'node_modules', 'generated', '.git', '.nx', '.data'].includes(name)).flatMap((name) => {
    const path = join(folder, name);
    if (statSync(join(repositoryRoot, path)).isDirectory()) return documents(path);
    return name.endsWith('.md') ? [path] : [];
  });
}

/** Projects that `app` is built from, itself included, by the `@dialfleet/*` dependencies in the manifests. */
export function projectsOf(app: string): string[] {
  const folders = [`apps/${app}`];
  for (const folder of folders) {
    const manifest = JSON.parse(readText(`${folder}/package.json`)) as { dependencies?: Record<string, string> };
    for (const name of Object.keys(manifest.dependencies ?? {}).filter((dependency) => dependency.startsWith('@dialfleet/'))) {
      const lib = `libs/${name.slice('@dialfleet/'.length)}`;
      if (!folders.includes(lib)) folders.push(lib);
    }
  }
  return folders;
}
