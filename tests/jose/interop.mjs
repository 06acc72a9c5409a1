// node interop.mjs EMIT JUDGE: our messages checked by the npm package jose, and its messages judged
// by ours. Prints how many cases ran; fails on any that comes out otherwise than it should.
import { checkEmitted } from "./emitted.mjs";
import { checkJudged } from "./judged.mjs";

const [emit, judge] = process.argv.slice(2);
if (!judge) {
  console.error("usage: node interop.mjs EMIT JUDGE");
  process.exit(2);
}

const results = [...(await checkEmitted(emit)), ...(await checkJudged(judge))];
const failed = results.filter((result) => result.problem);
for (const { name, problem } of failed) console.error(`FAILED ${name}: ${problem}`);
console.log(`jose.interop: ${results.length} cases, ${failed.length} failed`);
process.exit(failed.length === 0 && results.length > 0 ? 0 : 1);
