import { figureText } from '../ui/format.ts'
import { type Dot, EDGES, HEIGHT_PX, type ScatterLayout } from './scatter-layout.ts'

interface Picture {
  readonly layout: ScatterLayout
  readonly selected: string | undefined
  readonly hovered: Dot | undefined
  readonly width: number
}

/** Draws the plot, sharp on any screen, in the colours of the theme that is shown. */
export function drawScatter(canvas: HTMLCanvasElement, picture: Picture): void {
  const { layout, selected, hovered, width } = picture
  const context = canvas.getContext('2d')
  if (context === null) return
  const density = window.devicePixelRatio
  canvas.width = width * density
  canvas.height = HEIGHT_PX * density
  context.scale(density, density)
  context.clearRect(0, 0, width, HEIGHT_PX)
  const colour = coloursOf(canvas)
  drawGrid(context, layout, width, colour)
  drawBest(context, layout.best, colour)
  for (const proven of [false, true]) {
    context.fillStyle = proven ? colour('--accent-fill') : colour('--text-faint')
    context.globalAlpha = proven ? alphaFor(layout.dots.length) : 0.35
    for (const { offer, x, y } of layout.dots) {
      if ((offer.verified === true) !== proven) continue
      context.beginPath()
      context.arc(x, y, 3.5, 0, 2 * Math.PI)
      context.fill()
    }
  }
  context.globalAlpha = 1
  const marked = [layout.dots.find(({ offer }) => offer.id === selected), hovered]
  for (const dot of marked) {
    if (dot !== undefined) drawRing(context, dot, colour)
  }
}

/** Many dots over each other still show where most are. */
const alphaFor = (count: number): number => (count > 1000 ? 0.45 : count > 200 ? 0.65 : 0.85)

function drawGrid(
  context: CanvasRenderingContext2D,
  { xTicks, yTicks }: ScatterLayout,
  width: number,
  colour: (name: string) => string,
): void {
  const [bottom, right] = [HEIGHT_PX - EDGES.bottom, width - EDGES.right]
  context.strokeStyle = colour('--line')
  context.fillStyle = colour('--text-faint')
  context.font = `11px ${getComputedStyle(document.body).fontFamily}`
  context.lineWidth = 1
  context.textBaseline = 'middle'
  context.textAlign = 'right'
  for (const { at, value } of yTicks) {
    line(context, EDGES.left, at, right, at)
    context.fillText(figureText(value), EDGES.left - 8, at)
  }
  context.textAlign = 'center'
  for (const { at, value } of xTicks) {
    line(context, at, EDGES.top, at, bottom)
    context.fillText(figureText(value), at, bottom + 13)
  }
}

function line(
  context: CanvasRenderingContext2D,
  fromX: number,
  fromY: number,
  toX: number,
  toY: number,
): void {
  context.beginPath()
  context.moveTo(Math.round(fromX) + 0.5, Math.round(fromY) + 0.5)
  context.lineTo(Math.round(toX) + 0.5, Math.round(toY) + 0.5)
  context.stroke()
}

function drawBest(
  context: CanvasRenderingContext2D,
  best: readonly Dot[],
  colour: (name: string) => string,
): void {
  context.strokeStyle = colour('--text-soft')
  context.globalAlpha = 0.6
  context.setLineDash([3, 3])
  context.beginPath()
  for (const [i, { x, y }] of best.entries()) {
    if (i === 0) context.moveTo(x, y)
    else context.lineTo(x, y)
  }
  context.stroke()
  context.setLineDash([])
  context.globalAlpha = 1
}

function drawRing(
  context: CanvasRenderingContext2D,
  { x, y }: Dot,
  colour: (name: string) => string,
): void {
  context.beginPath()
  context.arc(x, y, 6.5, 0, 2 * Math.PI)
  context.strokeStyle = colour('--text')
  context.lineWidth = 1.75
  context.stroke()
}

/** A canvas knows no `light-dark()`: the browser says what a token is here and now. */
function coloursOf(canvas: HTMLCanvasElement): (name: string) => string {
  const found = new Map<string, string>()
  return (name) => {
    const known = found.get(name)
    if (known !== undefined) return known
    canvas.style.color = `var(${name})`
    const { color } = getComputedStyle(canvas)
    canvas.style.color = ''
    found.set(name, color)
    return color
  }
}
