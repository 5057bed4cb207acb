/** One expression of date or time found in a text, as Microsoft's recognisers resolve it. */
export interface FoundMoment { type: string; text: string; values: readonly MomentValue[] }
/** `timex` per ISO-TimeML (TIMEX3); `value`, or `start` of a range, as `yyyy-mm-dd hh:mm:ss` or a part of that. */
export interface MomentValue { timex: string; value?: string; start?: string }

/** What is understood of English dates and numbers. */
export interface Grammar {
  /** `reference`: now, as the wall clock of the speaker in local fields. */
  moments(text: string, reference: Date): FoundMoment[];
  numbers(text: string): number[];
}

let loading: Promise<Grammar> | undefined;

/** Loads the recognisers (some 50 MB) once, and lets them compile their patterns before a customer waits for it. */
export function loadGrammar(): Promise<Grammar> {
  loading ??= load().catch((error: unknown) => { loading = undefined; throw error; });
  return loading;
}

/** Between them they touch the patterns of days, dates, hours, spans and ranges. */
const WARM_UP = ['i am busy right now can you call me next monday afternoon at half past five', 'friday the 27th', 'november twenty third', 'in two weeks', 'tomorrow morning'];

async function load(): Promise<Grammar> {
  const { default: recognisers } = await import('@microsoft/recognizers-text-suite');
  const { English } = recognisers.Culture;
  const grammar: Grammar = {
    moments: (text, reference) => recognisers.recognizeDateTime(text, English, undefined, reference).map((found) => ({
      type: found.typeName.replace('datetimeV2.', ''), text: found.text, values: (found.resolution?.['values'] ?? []) as MomentValue[],
    })),
    numbers: (text) => recognisers.recognizeNumber(text, English).map((found) => Number(found.resolution?.['value'])).filter(Number.isFinite),
  };
  for (const phrase of WARM_UP) grammar.moments(phrase, new Date());
  grammar.numbers('twenty two');
  return grammar;
}
