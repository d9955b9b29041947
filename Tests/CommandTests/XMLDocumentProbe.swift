import Foundation
import FoundationXML

/// Whether a text is well-formed XML, and its root element.
final class XMLDocumentProbe: NSObject, XMLParserDelegate {
  private(set) var root: String?
  private(set) var isWellFormed = false

  init(_ text: String) {
    super.init()
    let parser = XMLParser(data: Data(text.utf8))
    parser.delegate = self
    isWellFormed = parser.parse()
  }

  func parser(
    _ parser: XMLParser, didStartElement elementName: String, namespaceURI: String?,
    qualifiedName qName: String?, attributes: [String: String]
  ) {
    if root == nil { root = elementName }
  }
}
