/**
 * The document for a terminal, under a policy that allows no style elements: the terminal's own styles become
 * constructed style sheets, and what it would set as a style attribute is set through the element's style, both of
 * which `style-src 'self'` allows.
 */
export function policyDocument(): Document {
  return new Proxy(document, {
    get(target, name) {
      if (name === 'createElement') return createElement
      const value: unknown = Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

function createElement(name: string): HTMLElement {
  if (name === 'style') return sheetElement()
  const element = document.createElement(name)
  if (name === 'span') element.setAttribute = setAttribute
  return element
}

function setAttribute(this: HTMLElement, name: string, value: string): void {
  if (name === 'style') this.style.cssText = value
  else Element.prototype.setAttribute.call(this, name, value)
}

/** Stands where the style element would; its text is a style sheet of the document while it is there. */
function sheetElement(): HTMLElement {
  const sheet = new CSSStyleSheet()
  document.adoptedStyleSheets.push(sheet)
  const element = document.createElement('span')
  element.hidden = true
  Object.defineProperty(element, 'textContent', {
    get: () => '',
    set: (css: string) => sheet.replaceSync(css),
  })
  element.remove = () => {
    document.adoptedStyleSheets = document.adoptedStyleSheets.filter((one) => one !== sheet)
    Element.prototype.remove.call(element)
  }
  return element
}
