/** The oldest API with GPU requests and private control groups: Docker 20.10. */
export const MIN_DOCKER_API = '1.41'

/** Negative when `a` is the older of two dotted versions. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((text) => text.split('.').map(Number)) as [number[], number[]]
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}
