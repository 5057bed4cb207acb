import nx from '@nx/eslint-plugin';
import tseslint from 'typescript-eslint';

/** Direction of imports: app -> adapter -> domain -> util; adapters never see each other (docs/architecture.md). */
const depConstraints = [
  { sourceTag: 'layer:tool', onlyDependOnLibsWithTags: ['layer:tool', 'layer:app', 'layer:adapter', 'layer:domain', 'layer:util', 'layer:contract'] },
  { sourceTag: 'layer:app', onlyDependOnLibsWithTags: ['layer:adapter', 'layer:domain', 'layer:util', 'layer:contract'] },
  { sourceTag: 'layer:adapter', onlyDependOnLibsWithTags: ['layer:domain', 'layer:util', 'layer:contract'] },
  { sourceTag: 'layer:contract', onlyDependOnLibsWithTags: ['layer:domain', 'layer:util'] },
  { sourceTag: 'layer:domain', onlyDependOnLibsWithTags: ['layer:domain', 'layer:util'] },
  { sourceTag: 'layer:util', onlyDependOnLibsWithTags: ['layer:util'] },
  { sourceTag: 'runtime:any', onlyDependOnLibsWithTags: ['runtime:any'] },
];

const domainOnly = ['libs/kit/**/*.ts', 'libs/call/**/*.ts', 'libs/fleet/**/*.ts', 'libs/bot/**/*.ts',
  'libs/conversation/**/*.ts', 'libs/media/**/*.ts', 'libs/delivery/**/*.ts'];

export default tseslint.config(
  { ignores: ['**/dist', '**/generated', '**/*.mjs', '**/*.d.ts'] },
  ...tseslint.configs.recommended,
  {
    files: ['**/*.ts'],
    plugins: { '@nx': nx },
    rules: {
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/consistent-type-imports': 'off',
      '@nx/enforce-module-boundaries': ['error', { enforceBuildableLibDependency: true, allow: [], depConstraints }],
      complexity: ['error', 15],
      'max-lines': ['error', { max: 400, skipBlankLines: true, skipComments: true }],
    },
  },
  {
    // Domain code is pure: no framework, no broker, no database, no sockets, no files.
    files: domainOnly,
    ignores: ['**/*.spec.ts'],
    rules: {
      'no-restricted-imports': ['error', {
        patterns: ['@nestjs/*', '@nats-io/*', '@prisma/*', 'sip.js', 'sip.js/*', 'ws', 'pg', 'undici',
          'node:net', 'node:dgram', 'node:fs', 'node:fs/*', 'node:http', 'node:https', 'node:tls', 'node:child_process', 'node:worker_threads'],
      }],
    },
  },
  { files: ['**/*.spec.ts', 'apps/e2e/**/*.ts'], rules: { 'max-lines': 'off', complexity: 'off' } },
);
