// JSON under the rules of sections 5 and 11 of docs/protocol.md, which JSON.parse does not know: no member twice, integers
// 0..2^53-1 in plain decimal and no other numbers, no lone surrogate, depth at most 8, nothing before and after.

export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
export type JsonObject = { [name: string]: Json };

export function need(condition: unknown, why: string): asserts condition {
  if (!condition) throw new Error(why);
}

const SPACE = /[ \t\n\r]*/y;
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const NUMBER = /(?:0|[1-9][0-9]{0,15})(?![0-9.eE])/y;
const WORD = /true|false|null/y;

export function parseJson(octets: Buffer): JsonObject {
  const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(octets);
  need(text.startsWith('{') && text.endsWith('}'), 'no object');
  let at = 0;
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0];
    at += found?.length ?? 0;
    return found;
  };
  const skip = (mark: string): boolean => {
    take(SPACE);
    if (text[at] !== mark) return false;
    at += 1;
    return true;
  };
  const string = (): string => {
    take(SPACE);
    const literal = take(STRING);
    need(literal !== undefined, 'no string');
    const value = JSON.parse(literal) as string;
    need(!/\p{Surrogate}/u.test(value), 'a lone surrogate');
    return value;
  };
  const list = (end: string, one: () => void): void => {
    if (skip(end)) return;
    do one(); while (skip(','));
    need(skip(end), `no ${end}`);
  };
  const value = (depth: number): Json => {
    need(depth <= 8, 'too deep');
    if (skip('{')) {
      const object: JsonObject = Object.create(null);
      list('}', () => {
        const name = string();
        need(!(name in object) && skip(':'), 'a member twice, or without value');
        object[name] = value(depth + 1);
      });
      return object;
    }
    if (skip('[')) {
      const array: Json[] = [];
      list(']', () => array.push(value(depth + 1)));
      return array;
    }
    if (text[at] === '"') return string();
    const word = take(WORD);
    if (word !== undefined) return JSON.parse(word) as Json;
    const number = Number(take(NUMBER) ?? 'none');
    need(Number.isSafeInteger(number), 'no integer from 0 to 2^53-1');
    return number;
  };
  const object = value(1);
  need(at === text.length, 'something after the end');
  return object as JsonObject;
}
