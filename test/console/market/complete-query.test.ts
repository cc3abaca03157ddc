import { expect, test } from 'vitest'
import { completions } from '../../../src/console/market/complete-query.ts'

const known = ({ name }: { readonly name: string }): readonly string[] =>
  name === 'gpu_name' ? ['H100', 'RTX 4090'] : name === 'geolocation' ? ['DE', 'FR'] : ['24', '80']

/** The text with `|` where the caret is; what is offered there. */
const at = (text: string) => completions(text.replace('|', ''), text.indexOf('|'), known)
const titles = (text: string) => at(text).map(({ title }) => title)

/** The text after the first offer was taken. */
function taken(text: string): string {
  const [first] = at(text)
  const plain = text.replace('|', '')
  return plain.slice(0, first!.from) + first!.insert + plain.slice(first!.to)
}

test.each([
  ['|', 'id'],
  ['gpu_n|', 'gpu_name'],
  ['gpu_ram>=24 ver|', 'verified'],
  ['(dp|', 'dph'],
  ['dph<3 and num|', 'num_gpus'],
  ['gpu_ram>=24 |', 'id'],
])('a field is offered at `%s`: %s', (text, title) => expect(titles(text)).toContain(title))

test.each([
  ['gpu_ram |', ['>=', '<=', '>', '<', '=', '!=']],
  ['gpu_name |', ['=', '!=', 'in [']],
])('operators that the field has are offered at `%s`', (text, offered) => {
  expect(titles(text)).toEqual(offered)
})

test.each([
  ['gpu_name=|', ['H100', 'RTX 4090']],
  ['gpu_name=rtx_|', ['RTX 4090']],
  ['geolocation in [DE,|', ['DE', 'FR']],
  ['verified=|', ['true', 'false', 'any']],
  ['nonsense=|', []],
  ['gpu_name=H100|', []],
])('values that offers have are offered at `%s`', (text, offered) => {
  expect(titles(text)).toEqual(offered)
})

test.each([
  ['gpu_n|', 'gpu_name='],
  ['gpu_ra|', 'gpu_ram>='],
  ['dp|', 'dph<='],
  ['gpu_name=rt|', 'gpu_name=RTX_4090 '],
  ['gpu_name="r| x', 'gpu_name=RTX_4090  x'],
  ['geolocation in [DE, F|]', 'geolocation in [DE, FR ]'],
])('taking the first offer at `%s` makes `%s`', (text, after) => expect(taken(text)).toBe(after))
