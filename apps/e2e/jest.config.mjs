import preset from '../../jest.preset.mjs';

/** The stories run against what was built: real processes, real worker threads. One file at a time: calls are real time. */
const { '^@dialfleet/([^/]+)$': _sources, ...moduleNameMapper } = preset.moduleNameMapper;

export default { ...preset, moduleNameMapper, testTimeout: 120_000, maxWorkers: 1 };
