import { expect, test } from 'vitest'
import { fullImageName, parseImageName } from '../../src/containers/image-name.ts'
import {
  checkImageName,
  checkRegistry,
  coversImage,
  type ImageRules,
} from '../../src/containers/image-policy.ts'

const digest = `sha256:${'ab'.repeat(32)}`

test.each([
  ['ubuntu', 'docker.io/library/ubuntu:latest'],
  ['ubuntu:24.04', 'docker.io/library/ubuntu:24.04'],
  ['pytorch/pytorch', 'docker.io/pytorch/pytorch:latest'],
  ['ghcr.io/a/b/c:1', 'ghcr.io/a/b/c:1'],
  ['localhost/x', 'localhost/x:latest'],
  ['127.0.0.1:5000/x:2', '127.0.0.1:5000/x:2'],
  [`quay.io/a/b:1@${digest}`, `quay.io/a/b@${digest}`],
  ['index.docker.io/library/x', 'docker.io/library/x:latest'],
  ['f00d', 'docker.io/library/f00d:latest'], // and never an image whose id begins so
  ['sha256:abcdef', 'docker.io/library/sha256:abcdef'],
])('%s is %s', (text, whole) => {
  expect(fullImageName(parseImageName(text))).toBe(whole)
})

test.each(['ab'.repeat(32), 'a//b', 'a/-b', 'Upper/case', '../x', 'x:', 'x@sha256:1'])(
  '%s is no image',
  (text) => {
    expect(() => parseImageName(text)).toThrow(expect.objectContaining({ code: 'REFUSED_IMAGE' }))
  },
)

test.each([
  ['*', 'evil.example/x:1', true],
  ['ubuntu', 'ubuntu:24.04', true],
  ['ubuntu', `ubuntu@${digest}`, true],
  ['ubuntu:24.*', 'ubuntu:24.04', true],
  ['ubuntu:24.*', 'ubuntu:22.04', false],
  ['pytorch/*', 'pytorch/pytorch:2', true],
  ['pytorch/*', 'ghcr.io/pytorch/pytorch:2', false],
  ['docker.io/pytorch/*', 'pytorch/pytorch', true],
  ['ghcr.io/**', 'ghcr.io/a/b/c:1', true],
  ['ghcr.io/*', 'ghcr.io/a/b:1', false],
  ['**/xmrig', 'ghcr.io/a/xmrig:6', true],
  ['*.example/x', 'evil.example/x', true],
  ['ghcr.io/a', 'ghcr.io/ab:1', false],
  ['ghcr.io/a.b', 'ghcr.io/axb:1', false],
])('%s covers %s: %s', (pattern, image, covers) => {
  expect(coversImage(pattern, parseImageName(image))).toBe(covers)
})

const rules = (change: Partial<ImageRules> = {}): ImageRules => ({
  allow: [],
  deny: [],
  trustLocal: false,
  ...change,
})
const refused = expect.objectContaining({ code: 'REFUSED_IMAGE' })

test('what is denied is refused, and what is not among the allowed', () => {
  const deny = rules({ deny: ['evil/*'], allow: ['evil/good', 'ubuntu'] })
  expect(() => checkImageName(deny, 'evil/good')).toThrow(refused)
  expect(() => checkImageName(deny, 'debian')).toThrow(refused)
  checkImageName(deny, 'ubuntu:24.04')
  checkImageName(rules(), 'debian')
})

test.each([
  '127.0.0.1:5000/x',
  '192.168.1.1/x',
  '169.254.169.254/x',
  '10.0.0.7:80/x',
  'localhost:5000/x',
])("%s is at the provider's own network: refused unless its owner names it", async (image) => {
  expect(() => checkImageName(rules(), image)).toThrow(refused)
  checkImageName(rules({ allow: [`${image}:*`] }), image)
  checkImageName(rules({ trustLocal: true }), image)
})

test('so is a name that leads there', async () => {
  const image = 'registry.example/x'
  const leadsTo =
    (...addresses: string[]) =>
    async () =>
      addresses.map((address) => ({ address }))
  for (const inside of ['10.0.0.7', '169.254.169.254', 'fd00::1', '::1']) {
    const resolve = leadsTo('11.0.0.1', inside)
    await expect(checkRegistry(rules(), image, resolve)).rejects.toEqual(refused)
    await checkRegistry(rules({ allow: ['registry.example/*'] }), image, resolve)
  }
  await checkRegistry(rules(), image, leadsTo('11.0.0.1', '2a00::1'))
  await checkRegistry(rules(), 'no-such-host.invalid/x') // the pull says why
})
