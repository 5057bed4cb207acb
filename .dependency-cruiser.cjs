/** Cycles inside one lib are invisible to the module-boundary rule: this one sees them. */
module.exports = {
  forbidden: [{ name: 'no-circular', severity: 'error', from: {}, to: { circular: true } }],
  options: { doNotFollow: { path: 'node_modules' }, exclude: { path: '(^|/)(dist|generated)/' }, tsPreCompilationDeps: true, tsConfig: { fileName: 'tsconfig.base.json' } },
};
