// Runs the published test vectors over this verifier: node vectors.js FOLDER. Exit code 1 if one is not as it should be.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { Certificate, sha256 } from './certificate';
import { decode, encode, firstTrust, heldOf, judge, judgeInner, Judgement, Message, parseOrder, parseReply, Refused, ruleA, signingInput, Trust } from './verifier';

/* eslint-disable @typescript-eslint/no-explicit-any */
type Case = any;
type File = any;
type Outcome = [found: unknown, wanted: unknown];

// What a verifier of steps 1 to 7 passes on: these are decided by the order memory (step 8).
const LATER = ['begins', 'done-before', 'running', 'interrupted', 'busy', 'cannot-record'];
const early = (verdict: string): string | undefined => (LATER.includes(verdict) ? undefined : verdict);
const held = (trust: Trust): object => ({ ...heldOf(trust) });
const digests = (list: string[]): Set<string> => new Set(list);

function stateOf(file: File, name: string): Trust {
  const state = file.states[name];
  const highest = Object.fromEntries(state.highest.map((one: any) => [one.server, [one.generation, decode(one['x5t#S256'])]]));
  return {
    certificate: new Certificate(file.certificates[state.certificate]), bundle: state.bundle.map((one: string) => file.certificates[one]),
    owner: decode(state.owner), server: state.server, generation: highest[state.server][0], highest,
  };
}

function runFirstTrust(one: Case): Outcome {
  try {
    const trust = firstTrust(Buffer.from(one.certificate, 'base64'));
    return [{ owner: encode(trust.owner), server: trust.server, generation: trust.generation }, one.expect];
  } catch {
    return ['refused', one.expect];
  }
}

function runRuleA(one: Case, file: File): Outcome {
  try {
    const after = ruleA(stateOf(file, one.state), one.bundle.map((name: string) => file.certificates[name]), digests(one.distrusted));
    return [['accepted', held(after)], [one.expect, one.after]];
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return [error.message, one.expect];
  }
}

function judged(one: Case, file: File, text: string, parse: (text: string) => Message): [Message | undefined, Judgement] {
  const trust = stateOf(file, one.state);
  let message: Message;
  try {
    message = parse(text);
  } catch {
    return [undefined, { refused: 'malformed', after: trust, used: false }];
  }
  const fresh = one.challenges.includes(message.payload.challenge);
  return [message, judge(trust, message, file.agent, one.clock, fresh, digests(one.distrusted))];
}

function runOrder(one: Case, file: File): Outcome {
  const [, { refused, after, used }] = judged(one, file, one.order, parseOrder);
  const { verdict, challenge_used: wantedUsed, held: wantedHeld } = one.expect;
  return [[refused, used, held(after), encode(sha256(signingInput(one.order)))], [early(verdict), wantedUsed, wantedHeld, one.oh]];
}

function runReply(one: Case, file: File): Outcome {
  const [message, { refused, after, used }] = judged(one, file, one.reply, parseReply);
  const { verdict, challenge_used: wantedUsed, held: wantedHeld, orders = [] } = one.expect;
  const inner = refused === undefined ? (message!.payload.orders as string[]).map((text) => (
    judgeInner(after, text, message!, file.agent, one.clock, digests(one.distrusted)))) : [];
  return [[refused, used, held(after), inner],
    [verdict === 'passes' ? undefined : verdict, wantedUsed, wantedHeld, orders.map((order: any) => early(order.verdict))]];
}

const folder = process.argv[2]!;
let wrong = 0;
for (const [name, run] of Object.entries({ first_trust: runFirstTrust, rule_a: runRuleA, orders: runOrder, replies: runReply })) {
  const file: File = JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8'));
  if (file.format !== 'countersign vectors 1') throw new Error(`${name}: unknown format`);
  file.certificates = Object.fromEntries(Object.entries(file.certificates ?? {}).map(([key, der]) => [key, Buffer.from(der as string, 'base64')]));
  for (const one of file.cases) {
    const [found, wanted] = run(one, file);
    if (isDeepStrictEqual(found, wanted)) continue;
    wrong += 1;
    console.log(`${name}: ${one.name}:\n  found  ${JSON.stringify(found)}\n  wanted ${JSON.stringify(wanted)}`);
  }
  console.log(`${name}: ${file.cases.length} cases`);
}
process.exitCode = wrong ? 1 : 0;
