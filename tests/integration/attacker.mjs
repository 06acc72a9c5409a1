#!/usr/bin/env node
// The attacker of ./demo and of the attack tests: what somebody on the network, or with keys that are not the right
// ones, can send. Built on the npm package `jose` and on nothing of this project, so that it is also a second
// implementation. Prints one JSON object a line.
//
//   attacker.mjs forge  --to HOST:PORT --key PEM (--cert DER | --bundle DER,DER) --iss ID --aud ID [...]
//       asks the agent for a challenge, signs an order and sends it. --bundle: goes into x5c, its first certificate is
//       claimed to be the signer's. [--act ACT] [--args JSON] [--jti JTI] [--challenge TEXT] [--alg NAME]
//       [--repeat N: the same order, signed anew, N times]
//   attacker.mjs replay --to HOST:PORT --order FILE [--alter payload|signature|challenge]
//       sends a recorded order as it is, or altered
//   attacker.mjs receipt --to HOST:PORT --key AGENTKEY --order JTI --oh HASH --aud ID [--iss ID] [--verdict V]
//       posts a receipt to a server
//   attacker.mjs relay  --from HOST:PORT --to HOST:PORT [--record FOLDER] [--alter REPLY]
//       a man in the middle: passes everything on from the address of --from, keeps what it saw (order-N, receipt-N,
//       report-N, reply-N), until killed. May be given as --from A --to B --from C --to D.
//       --alter drop: closes instead of answering reports. --alter FILE: answers with that reply.
//   attacker.mjs server --from HOST:PORT --key PEM (--cert DER | --bundle DER,DER) --iss ID [--aud ID]
//       [--challenge TEXT] [--act ACT]: a false server, which answers every report with a reply signed by that key
//   attacker.mjs nonsense --to HOST:PORT: what is no order at all, each by name with the answer
//
// forge, replay: with --receipt-key FILE (an agent's key) the receipt is checked under it: "signed", "about" (its `oh`
// is that of what was sent). All: --source ADDRESS, or --sources A.B.C for
// another address of that network with each call.

import { createHash, createPrivateKey, createPublicKey, randomBytes, sign as signRaw } from 'node:crypto';
import { readFileSync, writeFileSync, mkdirSync } from 'node:fs';
import http from 'node:http';
import { CompactSign, compactVerify } from 'jose';

const sha256 = (octets) => createHash('sha256').update(octets).digest('base64url');
const say = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);
const json = (part) => JSON.parse(Buffer.from(part, 'base64url').toString());
const now = () => Math.floor(Date.now() / 1000);
const urn = (id) => (id.startsWith('urn:') ? id : `urn:uuid:${id}`);

// Options as a map of lists, in their order.
function parse(args) {
  const options = {};
  for (let i = 0; i < args.length; i += 2) {
    if (!args[i].startsWith('--') || i + 1 === args.length) throw new Error(`what is ${args[i]}?`);
    (options[args[i].slice(2)] ??= []).push(args[i + 1]);
  }
  return options;
}

const [command, ...rest] = process.argv.slice(2);
const options = parse(rest);
const option = (name, fallback) => {
  const value = options[name]?.at(-1) ?? fallback;
  if (value === undefined) throw new Error(`--${name} is needed`);
  return value;
};
const endpoint = (text) => {
  const [, host, port] = /^(.*):(\d+)$/.exec(text);
  return { host, port: Number(port) };
};

function privateKey(path) {
  const octets = readFileSync(path);
  return octets.toString('latin1').startsWith('-----')
    ? createPrivateKey(octets)
    : createPrivateKey({ key: octets, format: 'der', type: 'pkcs8' });
}
const algorithm = (key) => (key.asymmetricKeyType === 'rsa' ? 'RS256'
  : key.asymmetricKeyDetails.namedCurve === 'secp384r1' ? 'ES384' : 'ES256');
// With an `alg` that the key does not have, which jose refuses, the signature is what the key can do.
async function sign(header, payload, key) {
  const octets = Buffer.from(JSON.stringify(payload));
  if (header.alg === algorithm(key)) return new CompactSign(octets).setProtectedHeader(header).sign(key);
  const input = `${Buffer.from(JSON.stringify(header)).toString('base64url')}.${octets.toString('base64url')}`;
  return `${input}.${signRaw('sha256', Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
}

// The header with which an order or a reply claims its signer.
function signerHeader(typ, key) {
  const bundle = options.bundle ? option('bundle').split(',').map((path) => readFileSync(path)) : [];
  const certificate = bundle[0] ?? readFileSync(option('cert'));
  return {
    alg: option('alg', algorithm(key)),
    typ,
    'x5t#S256': sha256(certificate),
    ...(bundle.length ? { x5c: bundle.map((der) => der.toString('base64')) } : {}),
  };
}

// Agents limit each source: whoever has a network uses another address of it each time.
let calls = 0;
const nextSource = () => (options.source ? option('source')
  : options.sources ? `${option('sources')}.${(calls++ % 250) + 1}` : undefined);

function request(target, method, path, body, type = 'application/jose', localAddress = nextSource()) {
  return new Promise((resolve, reject) => {
    const call = http.request({
      ...target, method, path, localAddress, agent: false, timeout: 20_000,
      headers: body === undefined ? {} : { 'Content-Type': type, 'Content-Length': Buffer.byteLength(body) },
    }, (response) => {
      const parts = [];
      response.on('data', (part) => parts.push(part));
      response.on('end', () => resolve({
        status: response.statusCode, headers: response.headers, body: Buffer.concat(parts).toString(),
      }));
    });
    call.on('timeout', () => call.destroy(new Error('no answer in 20 s')));
    call.on('error', reject);
    call.end(body);
  });
}

const askChallenge = async (target) => JSON.parse(
  (await request(target, 'GET', '/countersign/v1/challenge')).body).challenge;

// What an agent answered to an order: the verdict of its receipt, and whether the receipt is what it seems.
async function postOrder(target, order) {
  const { status, body } = await request(target, 'POST', '/countersign/v1/order', order);
  if (status !== 200) return { status, verdict: null };
  const receipt = json(body.split('.')[1]);
  const found = { status, verdict: receipt.verdict, about: receipt.oh === sha256(order.slice(0, order.lastIndexOf('.'))) };
  for (const name of ['earlier', 'result', 'order', 'held']) if (receipt[name] !== undefined) found[name] = receipt[name];
  if (options['receipt-key']) {
    const key = createPublicKey(privateKey(option('receipt-key')));
    found.signed = await compactVerify(body, key).then(() => true, () => false);
  }
  return found;
}

async function forge() {
  const target = endpoint(option('to'));
  const key = privateKey(option('key'));
  const header = signerHeader('countersign-order+jwt', key);
  const jti = option('jti', randomBytes(16).toString('base64url'));
  for (let left = Number(option('repeat', '1')); left > 0; --left) {
    const payload = {
      iss: urn(option('iss')), aud: urn(option('aud')), jti, iat: now(),
      challenge: options.challenge ? option('challenge') : await askChallenge(target), act: option('act', 'ping'),
      ...(options.args ? { args: JSON.parse(option('args')) } : {}),
    };
    say(await postOrder(target, await sign(header, payload, key)));
  }
}

async function replay() {
  const target = endpoint(option('to'));
  const parts = readFileSync(option('order'), 'utf8').split('.');
  const alter = option('alter', '');
  if (alter === 'payload' || alter === 'challenge') {
    const payload = json(parts[1]);
    payload.challenge = await askChallenge(target);
    if (alter === 'payload') payload.act = 'update-now';
    parts[1] = Buffer.from(JSON.stringify(payload)).toString('base64url');
  } else if (alter === 'signature') {
    const signature = Buffer.from(parts[2], 'base64url');
    signature[10] ^= 1;
    parts[2] = signature.toString('base64url');
  }
  say(await postOrder(target, parts.join('.')));
}

async function receipt() {
  const key = privateKey(option('key'));
  const payload = {
    iss: urn(option('iss')), aud: urn(option('aud')), order: option('order'), oh: option('oh'),
    verdict: option('verdict', 'done'),
    held: JSON.parse(option('held')), time: now(), seq: Number(option('seq', '1000000')),
    instance: randomBytes(16).toString('base64url'),
  };
  const message = await sign({ alg: algorithm(key), typ: 'countersign-receipt+jwt' }, payload, key);
  const { status } = await request(endpoint(option('to')), 'POST', '/countersign/v1/receipt', message);
  say({ status });
}

// serve answers HTTP requests at an address until the process is killed.
function serve(from, answer) {
  const server = http.createServer((incoming, response) => {
    const parts = [];
    incoming.on('data', (part) => parts.push(part));
    incoming.on('end', async () => {
      try {
        const found = await answer(incoming, Buffer.concat(parts).toString());
        response.writeHead(found.status, found.headers);
        response.end(found.body);
      } catch {
        incoming.socket.destroy();
      }
    });
  });
  return new Promise((resolve) => server.listen({ ...endpoint(from) }, resolve));
}

const kept = {};
function keep(kind, text) {
  const folder = option('record', '');
  if (!folder || !text) return;
  mkdirSync(folder, { recursive: true });
  kept[kind] = (kept[kind] ?? 0) + 1;
  writeFileSync(`${folder}/${kind}-${kept[kind]}`, text);
  say({ saw: kind, file: `${folder}/${kind}-${kept[kind]}` });
}

async function relay() {
  const alter = option('alter', '');
  for (const [i, from] of options.from.entries()) {
    const target = endpoint(options.to[i]);
    await serve(from, async (incoming, body) => {
      const isReport = incoming.url.startsWith('/countersign/v1/report');
      const isOrder = incoming.url === '/countersign/v1/order';
      if (isReport) keep('report', body);
      if (isOrder) keep('order', body);
      if (isReport && alter === 'drop') throw new Error('dropped');
      const passed = await request(target, incoming.method, incoming.url, body === '' ? undefined : body,
        incoming.headers['content-type'], endpoint(from).host);
      if (isReport) keep('reply', passed.body);
      if (isOrder) keep('receipt', passed.body);
      if (isReport && alter) passed.body = readFileSync(alter, 'utf8').trim();
      const headers = { 'Content-Type': passed.headers['content-type'] ?? 'text/plain', 'Content-Length': Buffer.byteLength(passed.body) };
      if (passed.headers['countersign-nonce']) headers['Countersign-Nonce'] = passed.headers['countersign-nonce'];
      return { status: passed.status, headers, body: passed.body };
    });
  }
  say({ ready: true });
}

async function falseServer() {
  const key = privateKey(option('key'));
  const header = signerHeader('countersign-reply+jwt', key);
  await serve(option('from'), async (incoming, body) => {
    const report = json(body.split('.')[1]);
    const challenge = option('challenge', report.challenge);
    const aud = urn(option('aud', report.iss));
    const iss = urn(option('iss', report.aud));
    const orders = options.act ? [await sign({ ...header, typ: 'countersign-order+jwt', x5c: undefined }, {
      iss, aud, jti: randomBytes(16).toString('base64url'), iat: now(), challenge, act: option('act'),
    }, key)] : [];
    const reply = await sign(header, {
      iss, aud, challenge, iat: now(), nonce: randomBytes(16).toString('base64url'),
      interval: 60, head: '', orders,
    }, key);
    say({ answered: report.iss, failures: report.failures });
    return { status: 200, headers: { 'Content-Type': 'application/jose', 'Content-Length': Buffer.byteLength(reply) }, body: reply };
  });
  say({ ready: true });
}

async function nonsense() {
  const target = endpoint(option('to'));
  const key = privateKey(option('key'));
  const header = signerHeader('countersign-order+jwt', key);
  const payload = { iss: urn(option('iss')), aud: urn(option('aud')), jti: randomBytes(16).toString('base64url'), iat: now(), challenge: await askChallenge(target), act: 'ping' };
  const good = await sign(header, payload, key);
  const raw = (h, p) => `${Buffer.from(h).toString('base64url')}.${Buffer.from(p).toString('base64url')}.AAAA`;
  const cases = {
    'no dots': 'nonsense',
    'empty parts': '..',
    'padding': `${good}=`,
    'a space behind': `${good} `,
    'alg none': raw('{"alg":"none","typ":"countersign-order+jwt","x5t#S256":"x"}', JSON.stringify(payload)),
    'unknown header': raw(JSON.stringify({ ...header, kid: '1' }), JSON.stringify(payload)),
    'unknown member': raw(JSON.stringify(header), JSON.stringify({ ...payload, exp: 1 })),
    'two members of one name': raw(JSON.stringify(header), JSON.stringify(payload).replace('{', '{"act":"ping",')),
    'a receipt for an order': raw(JSON.stringify({ ...header, typ: 'countersign-receipt+jwt' }), JSON.stringify(payload)),
    'deep': raw(JSON.stringify(header), JSON.stringify({ ...payload, args: JSON.parse(`${'{"a":'.repeat(8)}1${'}'.repeat(8)}`) })),
    'a fraction': raw(JSON.stringify(header), JSON.stringify(payload).replace(/"iat":\d+/, '"iat":1.5')),
    'too long': 'A'.repeat(20_000),
  };
  for (const [name, order] of Object.entries(cases)) say({ case: name, ...await postOrder(target, order) });
  const empty = await request(target, 'POST', '/countersign/v1/order', '');
  say({ case: 'empty body', status: empty.status });
  const text = await request(target, 'POST', '/countersign/v1/order', good, 'text/plain');
  say({ case: 'another media type', status: text.status });
  const huge = await request(target, 'POST', '/countersign/v1/order', 'A'.repeat(70_000)).catch(() => ({ status: 'closed' }));
  say({ case: 'more than 64 KiB', status: huge.status });
}

const commands = { forge, replay, receipt, relay, server: falseServer, nonsense };
if (!commands[command]) {
  process.stderr.write('the head of this file says how\n');
  process.exit(2);
}
await commands[command]();
