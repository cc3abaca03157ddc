import { expect, test } from 'vitest'
import { createEscapeKeys } from '../../../src/node/commands/escape-keys.ts'

/** Types pieces one after the other; returns what passed and what was asked. */
function type(...pieces: string[]) {
  const take = createEscapeKeys()
  const typed = pieces.map((piece) => take(Buffer.from(piece)))
  return {
    pass: Buffer.concat(typed.map(({ pass }) => pass)).toString(),
    leave: typed.some(({ leave }) => leave),
    help: typed.some(({ help }) => help),
  }
}

test.each([
  ['~. at the very beginning leaves', ['~.'], { pass: '', leave: true }],
  ['also key by key, after a line', ['ls\r', '~', '.'], { pass: 'ls\r', leave: true }],
  ['what follows it is not passed', ['\r~.rm -rf /\r'], { pass: '\r', leave: true }],
  ['inside a line it is text', ['a~.b'], { pass: 'a~.b', leave: false }],
  ['two are one, and the line goes on', ['~~.'], { pass: '~.', leave: false }],
  ['before another key it passes with it', ['~', 'x~.'], { pass: '~x~.', leave: false }],
  ['a home folder is typed as ever', ['cd ~/src\r', '~/a\r'], { pass: 'cd ~/src\r~/a\r' }],
  ['~? tells the escapes and is still at the beginning', ['~?~.'], { help: true, leave: true }],
  [
    'what the terminal answers to a prompt is no key',
    ['\r', '\x1b[5;3R', '~.'],
    { pass: '\r\x1b[5;3R', leave: true },
  ],
  ['nor between a tilde and its key', ['~', '\x1b[?62;4c', '?'], { help: true, leave: false }],
  ['an arrow is a key', ['\r\x1b[A~.'], { pass: '\r\x1b[A~.', leave: false }],
  ['UTF-8 passes whole, however it is cut', ['h\u00e9\u4e16'], { pass: 'h\u00e9\u4e16' }],
])('%s', (_, pieces, expected) => {
  expect(type(...pieces)).toMatchObject(expected)
})
