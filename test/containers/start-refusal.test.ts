import { expect, test } from 'vitest'
import { mayBeRefusal, startRefusal } from '../../src/containers/start-refusal.ts'

const OCI = 'OCI runtime exec failed: exec failed: unable to start container process: '

test.each<[words: string, says: string, exitCode: number]>([
  [`${OCI}exec: "foo": executable file not found in $PATH: unknown`, 'foo: not found', 127],
  [`${OCI}exec: "foo": stat foo: no such file or directory: unknown`, 'foo: not found', 127],
  [`${OCI}exec: "foo": permission denied: unknown`, 'foo: permission denied', 126],
  [
    `${OCI}chdir to cwd ("/w") set in config.json failed: no such file or directory: unknown`,
    '/w: there is no such folder',
    126,
  ],
  [
    'unable to find user bob: no matching entries in passwd file',
    'the image has no such user (--user)',
    126,
  ],
  [`${OCI}something\r\nnew`, `foo: it cannot be started (${OCI}something new)`, 126],
])('%s', (words, says, exitCode) => {
  expect(startRefusal(words, ['foo', 'bar'], { workingDir: '/w' })).toEqual({ says, exitCode })
})

test('other output is none of that', () => {
  expect(mayBeRefusal('foo: OCI runtime exec failed')).toBe(false)
  expect(startRefusal('sh: foo: not found', ['foo'])).toBeUndefined()
})
