import type { Runtime } from './metadata-samples.ts'

/** How the SCALE shape of type `a` differs from `b`. `a` may have fewer enum variants; those enums are added to `narrower`. */
export function differences(
  ours: Runtime,
  a: number,
  real: Runtime,
  b: number,
  where: string,
  narrower = new Set<string>(),
  seen = new Set<string>(),
): string[] {
  if (seen.has(`${a}:${b}`)) return []
  seen.add(`${a}:${b}`)
  const deeper = (x: number, y: number, part: string) =>
    differences(ours, x, real, y, `${where}.${part}`, narrower, seen)
  const left = ours.registry.lookup.getSiType(unwrapNewtype(ours, a))
  const right = real.registry.lookup.getSiType(unwrapNewtype(real, b))
  const [x, y] = [left.def, right.def]
  if (x.isTuple && x.asTuple.length === 0 && y.isComposite && y.asComposite.fields.length === 0)
    return []
  if (x.type !== y.type) return [`${where}: ${x.type} instead of ${y.type}`]
  const fields = (p: typeof x.asComposite.fields, q: typeof p, part: string): string[] =>
    p.length !== q.length
      ? [`${where}${part}: ${p.length} fields instead of ${q.length}`]
      : p.flatMap((field, at) => [
          ...(field.name.eq(q[at]!.name)
            ? []
            : [`${where}${part}: field ${field.name} instead of ${q[at]!.name}`]),
          ...deeper(
            field.type.toNumber(),
            q[at]!.type.toNumber(),
            `${part}${field.name.unwrapOr(at)}`,
          ),
        ])
  switch (x.type) {
    case 'Primitive':
      return x.asPrimitive.eq(y.asPrimitive)
        ? []
        : [`${where}: ${x.asPrimitive.type} instead of ${y.asPrimitive.type}`]
    case 'Compact':
      return deeper(x.asCompact.type.toNumber(), y.asCompact.type.toNumber(), 'compact')
    case 'Sequence':
      return deeper(x.asSequence.type.toNumber(), y.asSequence.type.toNumber(), 'item')
    case 'Array':
      return x.asArray.len.eq(y.asArray.len)
        ? deeper(x.asArray.type.toNumber(), y.asArray.type.toNumber(), 'item')
        : [`${where}: length`]
    case 'Tuple':
      return x.asTuple.length === y.asTuple.length
        ? x.asTuple.flatMap((part, at) =>
            deeper(part.toNumber(), y.asTuple[at]!.toNumber(), `${at}`),
          )
        : [`${where}: tuple length`]
    case 'Composite':
      return fields(x.asComposite.fields, y.asComposite.fields, '')
    case 'Variant': {
      if (x.asVariant.variants.length < y.asVariant.variants.length)
        narrower.add(left.path.join('::'))
      return x.asVariant.variants.flatMap((variant) => {
        const other = y.asVariant.variants.find((candidate) => candidate.index.eq(variant.index))
        if (other?.name.eq(variant.name) !== true)
          return [
            `${where}: ${variant.index} is ${variant.name} instead of ${other?.name ?? 'nothing'}`,
          ]
        return fields(variant.fields, other.fields, variant.name.toString())
      })
    }
    default:
      return [`${where}: cannot compare ${x.type}`]
  }
}

/** BoundedVec(Vec<u8>) and the like encode as what they wrap. */
function unwrapNewtype(runtime: Runtime, id: number): number {
  const { def } = runtime.registry.lookup.getSiType(id)
  if (
    !def.isComposite ||
    def.asComposite.fields.length !== 1 ||
    def.asComposite.fields[0]!.name.isSome
  )
    return id
  return unwrapNewtype(runtime, def.asComposite.fields[0]!.type.toNumber())
}
