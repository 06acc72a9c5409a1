// A small agent of another make: enrols with a package's token, reports, listens, takes orders.
//
//   node agent.js --package DIR --folder DIR --listen ADDRESS:PORT [--interval SECONDS]
//
// DIR of --package: OfcNTCer.dat and package.toml, as `countersign agents package` makes them; read only while --folder is
// empty. Speaks plain HTTP (no `tls` in its reports). Acts: ping and report. What a product would add stands in act().

import { createHmac, createPrivateKey, createPublicKey, generateKeyPairSync, KeyObject, randomBytes, sign, timingSafeEqual } from 'node:crypto';
import * as fs from 'node:fs';
import * as http from 'node:http';
import * as os from 'node:os';
import { join } from 'node:path';
import { Certificate, sha256 } from './certificate';
import { JsonObject } from './json';
import { decode, encode, firstTrust, heldOf, judge, judgeInner, Judgement, Message, parseOrder, parseReply, signingInput, Trust, uuidOf } from './verifier';

const JOSE = 'application/jose';
const CHALLENGE_LIFE = 300; // seconds
const [KEPT_ORDERS, KEPT_FOR, SEQ_BLOCK] = [4_096, 48 * 3_600, 1_024];
const NONE: ReadonlySet<string> = new Set();
const now = (): number => Math.floor(Date.now() / 1000);

// 16 random octets, two times, the use and a MAC: good for one message and 300 s by both clocks, since Node has none that
// counts sleep and cannot be set. Without state until one is used.
class Challenges {
  private readonly key = randomBytes(32);
  private readonly spent = new Map<string, number>();

  private mac(head: Buffer): Buffer {
    return createHmac('sha256', this.key).update(head).digest().subarray(0, 16);
  }

  draw(use: number): string {
    const head = Buffer.concat([randomBytes(16), Buffer.alloc(17)]);
    head.writeDoubleBE(performance.now() / 1000, 16);
    head.writeDoubleBE(Date.now() / 1000, 24);
    head[32] = use;
    return encode(Buffer.concat([head, this.mac(head)]));
  }

  isGood(text: string, use: number): boolean {
    try {
      const octets = decode(text, 49);
      const head = octets.subarray(0, 33);
      const ages = [performance.now() / 1000 - head.readDoubleBE(16), Date.now() / 1000 - head.readDoubleBE(24)];
      const young = ages.every((age) => age >= 0 && age <= CHALLENGE_LIFE);
      return timingSafeEqual(this.mac(head), octets.subarray(33)) && head[32] === use && young && !this.spent.has(text);
    } catch {
      return false;
    }
  }

  spend(text: string): void {
    const at = performance.now() / 1000;
    for (const [one, when] of this.spent) if (at - when > CHALLENGE_LIFE) this.spent.delete(one);
    this.spent.set(text, at);
  }
}

interface Saved { certificate: string; bundle: string[]; owner: string; server: string; generation: number; highest: { [server: string]: [number, string] } }
interface Entry { at: number; verdict: string | null; result: JsonObject | null }
interface State { trust?: Saved; orders: { [jti: string]: Entry }; seq: number }

// One file, replaced durably: trust, orders, seq. Whatever is in it was written before anything followed from it.
class Store {
  readonly state: State;
  private readonly path: string;

  constructor(private readonly folder: string) {
    this.path = join(folder, 'state.json');
    this.state = fs.existsSync(this.path) ? JSON.parse(fs.readFileSync(this.path, 'utf8')) : { orders: {}, seq: 0 };
  }

  save(): void {
    const file = fs.openSync(`${this.path}.new`, 'w', 0o600);
    fs.writeSync(file, JSON.stringify(this.state));
    fs.fsyncSync(file);
    fs.closeSync(file);
    fs.renameSync(`${this.path}.new`, this.path);
    const folder = fs.openSync(this.folder, 'r');
    fs.fsyncSync(folder);
    fs.closeSync(folder);
  }

  loadTrust(): Trust {
    const saved = this.state.trust!;
    const highest = Object.entries(saved.highest).map(([server, [generation, thumbprint]]) => [server, [generation, decode(thumbprint)]]);
    return {
      certificate: new Certificate(Buffer.from(saved.certificate, 'base64')), bundle: saved.bundle.map((der) => Buffer.from(der, 'base64')),
      owner: decode(saved.owner), server: saved.server, generation: saved.generation, highest: Object.fromEntries(highest),
    };
  }

  saveTrust(trust: Trust): void {
    const highest = Object.entries(trust.highest).map(([server, [generation, thumbprint]]) => [server, [generation, encode(thumbprint)]]);
    this.state.trust = {
      certificate: trust.certificate.der.toString('base64'), bundle: trust.bundle.map((der) => der.toString('base64')),
      owner: encode(trust.owner), server: trust.server, generation: trust.generation, highest: Object.fromEntries(highest),
    };
    this.save();
  }
}

interface Settings { server_host: string; http_port: number; domain: string; enrol?: { token: string; secret: string } }
interface Answer { status: number; body: string; nonce: string | undefined }

class Agent {
  readonly id: string;
  readonly challenges = new Challenges();
  private readonly store: Store;
  private readonly key: KeyObject;
  private readonly instance = encode(randomBytes(16));
  private trust: Trust;
  private seq: number;
  private nonce: string | undefined;
  private wantBundle = false;
  private interval = 60;
  private wake: () => void = () => undefined;

  constructor(folder: string, private readonly settings: Settings, private readonly address: string, private readonly port: number) {
    this.store = new Store(folder);
    this.key = createPrivateKey(fs.readFileSync(join(folder, 'agent.key')));
    this.id = uuidOf(sha256(createPublicKey(this.key).export({ format: 'der', type: 'spki' })));
    this.trust = this.store.loadTrust();
    this.seq = this.store.state.seq;
  }

  // What is signed.

  private sign(header: object, payload: object): string {
    const signed = [{ alg: 'ES256', ...header }, payload].map((part) => encode(Buffer.from(JSON.stringify(part)))).join('.');
    return `${signed}.${encode(sign('sha256', Buffer.from(signed), { key: this.key, dsaEncoding: 'ieee-p1363' }))}`;
  }

  private nextSeq(): number {
    if (this.seq >= this.store.state.seq) { // reserved in blocks: none is used twice, whatever happens
      this.store.state.seq = this.seq + SEQ_BLOCK;
      this.store.save();
    }
    this.seq += 1;
    return this.seq;
  }

  private common(): object {
    return { iss: this.id, aud: this.trust.server, held: heldOf(this.trust), time: now(), seq: this.nextSeq(), instance: this.instance };
  }

  private receipt(text: string, order: string | null, verdict: string, more: object = {}): string {
    const oh = encode(sha256(signingInput(text)));
    return this.sign({ typ: 'countersign-receipt+jwt' }, { ...this.common(), order, oh, verdict, ...more });
  }

  private report(): { body: string; challenge: string } {
    const { kty, crv, x, y } = createPublicKey(this.key).export({ format: 'jwk' });
    const bundle = this.trust.bundle.length ? this.trust.bundle : [this.trust.certificate.der];
    const header = { typ: 'countersign-report+jwt', jwk: { kty, crv, x, y }, ...(this.wantBundle ? { x5c: bundle.map((der) => der.toString('base64')) } : {}) };
    const challenge = this.challenges.draw(2);
    const { enrol } = this.settings;
    const text = ['countersign enrol v1', this.id, this.trust.server, challenge].join('\0');
    const proof = enrol && encode(createHmac('sha256', decode(enrol.secret)).update(text).digest());
    const payload = {
      ...this.common(), challenge, ...(this.nonce ? { echo: this.nonce } : {}), host: os.hostname(), addresses: [this.address],
      port: this.port, domain: this.settings.domain, version: 'example-typescript 1', platform: `${os.type()} ${os.release()} ${os.arch()}`,
      batch: false, failures: [], ...(enrol ? { enrol: { token: enrol.token, proof } } : {}),
    };
    this.nonce = undefined;
    return { body: this.sign(header, payload), challenge };
  }

  // What is taken.

  // Commits what follows from steps 2 to 7.
  private settle(challenge: string, { refused, after, used }: Judgement): string | undefined {
    if (used) {
      this.challenges.spend(challenge);
      if (after !== this.trust) {
        this.store.saveTrust(after); // first on the disk
        this.trust = after;
        console.log(`trust moved to generation ${after.generation}`);
      }
    }
    return refused;
  }

  // Steps 1 to 10 for the listener; returns the receipt.
  takeOrder(text: string): string {
    let order: Message;
    try {
      order = parseOrder(text);
    } catch {
      return this.receipt(text, null, 'malformed');
    }
    const challenge = order.payload.challenge as string;
    const fresh = this.challenges.isGood(challenge, 1);
    const refused = this.settle(challenge, judge(this.trust, order, this.id, now(), fresh, NONE));
    return refused ? this.receipt(text, order.payload.jti as string, refused) : this.runOnce(text, order);
  }

  private runOnce(text: string, order: Message): string {
    const jti = order.payload.jti as string;
    const { orders } = this.store.state;
    const before = orders[jti];
    if (before?.verdict) {
      return this.receipt(text, jti, 'done-before', { earlier: { verdict: before.verdict, ...(before.result ? { result: before.result } : {}) } });
    }
    if (before) return this.receipt(text, jti, 'interrupted');
    for (const one of Object.keys(orders).slice(0, -KEPT_ORDERS)) if (now() - orders[one]!.at > KEPT_FOR) delete orders[one];
    if (Object.keys(orders).length >= 4 * KEPT_ORDERS) return this.receipt(text, jti, 'busy');
    const entry: Entry = { at: now(), verdict: null, result: null };
    orders[jti] = entry;
    this.store.save(); // before anything is done
    [entry.verdict, entry.result] = this.act(order.payload.act as string, (order.payload.args ?? {}) as JsonObject);
    this.store.save();
    return this.receipt(text, jti, entry.verdict, entry.result ? { result: entry.result } : {});
  }

  // Steps 9 and 10: here a product does what it does.
  private act(act: string, args: JsonObject): [string, JsonObject | null] {
    if (act !== 'ping' && act !== 'report') return ['unknown-action', null];
    if (Object.keys(args).length > 0) return ['failed', { error: 'this act takes no arguments' }];
    if (act === 'report') this.wake();
    return ['done', null];
  }

  // Returns the receipts of orders in it, or nothing if it was refused.
  private takeReply(text: string, field: string | undefined, challenge: string): string[] | undefined {
    let reply: Message;
    try {
      reply = parseReply(text);
    } catch {
      return undefined;
    }
    const fresh = reply.payload.challenge === challenge && this.challenges.isGood(challenge, 2);
    const refused = this.settle(challenge, judge(this.trust, reply, this.id, now(), fresh, NONE));
    this.wantBundle = fresh && 'want' in reply.payload;
    this.nonce = refused ? field : reply.payload.nonce as string;
    if (refused) {
      console.log(`reply refused: ${refused}`);
      return undefined;
    }
    this.interval = reply.payload.interval as number;
    const jump = (reply.payload.jump ?? 0) as number;
    if (jump > this.seq && jump - this.seq <= 2 ** 32) this.seq = jump;
    return (reply.payload.orders as string[]).map((order) => {
      const verdict = judgeInner(this.trust, order, reply, this.id, now(), NONE);
      if (!verdict) return this.runOnce(order, parseOrder(order));
      return this.receipt(order, verdict === 'malformed' ? null : parseOrder(order).payload.jti as string, verdict);
    });
  }

  // The server.

  private post(path: string, body: string): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const call = http.request({
        host: this.settings.server_host, port: this.settings.http_port, localAddress: this.address, method: 'POST', path, agent: false,
        timeout: 60_000, headers: { 'Content-Type': JOSE, 'Content-Length': Buffer.byteLength(body) },
      }, (answer) => {
        let text = '';
        answer.setEncoding('latin1');
        answer.on('data', (part: string) => {
          text += part;
          if (text.length > 262_144) call.destroy(new Error('too long an answer'));
        });
        answer.on('end', () => resolve({ status: answer.statusCode!, body: text, nonce: answer.headers['countersign-nonce'] as string | undefined }));
      });
      call.on('timeout', () => call.destroy(new Error('no answer')));
      call.on('error', reject);
      call.end(body);
    });
  }

  // One report; whether the next one is to follow at once (this one proved nothing).
  private async exchange(): Promise<boolean> {
    const proves = this.nonce !== undefined;
    const { body, challenge } = this.report();
    const answer = await this.post('/countersign/v1/report', body);
    const receipts = answer.status === 200 ? this.takeReply(answer.body, answer.nonce, challenge) : undefined;
    for (const receipt of receipts ?? []) await this.post('/countersign/v1/receipt', receipt);
    return receipts !== undefined && (!proves || this.wantBundle);
  }

  async run(fastest: number): Promise<never> {
    for (let failed = 0; ;) {
      const woken = new Promise<void>((resolve) => { this.wake = resolve; });
      let again = false;
      try {
        again = await this.exchange();
        failed = 0;
      } catch (error) {
        console.log(`report failed: ${error}`);
        failed += 1;
      }
      const wait = Math.min(this.interval, fastest, failed ? 2 ** failed : this.interval);
      let timer: NodeJS.Timeout | undefined;
      if (!again) await Promise.race([woken, new Promise((resolve) => { timer = setTimeout(resolve, wait * 1000); })]);
      clearTimeout(timer);
    }
  }

  answer(request: http.IncomingMessage, body: string): [status: number, kind: string, body: string] {
    const what = `${request.method} ${request.url}`;
    if (what === 'GET /countersign/v1/challenge') return [200, 'application/json', JSON.stringify({ challenge: this.challenges.draw(1) })];
    if (what === 'GET /countersign/v1/alive') return [200, 'text/plain', 'alive'];
    if (what !== 'POST /countersign/v1/order') return [404, 'text/plain', 'nothing here'];
    if (body === '' || request.headers['content-type'] !== JOSE) return [400, 'text/plain', 'an order is expected'];
    return [200, JOSE, this.takeOrder(body)];
  }
}

function listen(agent: Agent, host: string, port: number, ready: () => void): void {
  const server = http.createServer((request, response) => {
    let body = '';
    request.setEncoding('latin1');
    request.on('data', (part: string) => {
      body += part;
      if (body.length > 64 * 1024) request.destroy();
    });
    request.on('end', () => {
      const [status, kind, text] = agent.answer(request, body);
      response.writeHead(status, { 'Content-Type': kind, 'Content-Length': Buffer.byteLength(text) });
      response.end(text);
    });
  });
  server.maxConnections = 64;
  [server.headersTimeout, server.requestTimeout] = [5_000, 10_000];
  server.listen({ host, port }, ready);
}

// package.toml as the server writes it: `name = value` lines and one table, [enrol].
function readPackage(text: string): Settings {
  const top: JsonObject = {};
  let table = top;
  for (const line of text.split('\n')) {
    const head = /^\[(\w+)\]\s*(?:#.*)?$/.exec(line);
    const pair = /^(\w+)\s*=\s*("(?:[^"\\]|\\.)*"|\d+)\s*(?:#.*)?$/.exec(line);
    if (head) top[head[1]!] = table = {};
    if (pair) table[pair[1]!] = JSON.parse(pair[2]!);
  }
  return top as unknown as Settings;
}

// First trust: the certificate of the package. All of it or nothing: the settings come last.
function install(folder: string, from: string): void {
  fs.mkdirSync(folder, { mode: 0o700, recursive: true });
  const settings = readPackage(fs.readFileSync(join(from, 'package.toml'), 'utf8'));
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  fs.writeFileSync(join(folder, 'agent.key'), privateKey.export({ format: 'pem', type: 'pkcs8' }), { mode: 0o600 });
  new Store(folder).saveTrust(firstTrust(fs.readFileSync(join(from, 'OfcNTCer.dat'))));
  fs.writeFileSync(join(folder, 'settings.json'), JSON.stringify(settings), { mode: 0o600 });
}

function main(): void {
  const option = (name: string, fallback = ''): string => {
    const at = process.argv.indexOf(`--${name}`);
    return at < 0 ? fallback : process.argv[at + 1]!;
  };
  const [folder, listenAt] = [option('folder'), /^(.*):(\d+)$/.exec(option('listen'))];
  if (folder === '' || !listenAt) throw new Error('--folder DIR and --listen ADDRESS:PORT are needed');
  if (!fs.existsSync(join(folder, 'settings.json'))) install(folder, option('package'));
  const settings = JSON.parse(fs.readFileSync(join(folder, 'settings.json'), 'utf8')) as Settings;
  const [host, port] = [listenAt[1]!, Number(listenAt[2])];
  const agent = new Agent(folder, settings, host, port);
  listen(agent, host, port, () => console.log(`agent ${agent.id.replace('urn:uuid:', '')} listens at ${host}:${port}`));
  void agent.run(Number(option('interval', '3600')));
}

main();
