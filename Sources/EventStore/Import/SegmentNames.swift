/// What Segment's e-commerce events are called here.
enum SegmentNames {
  /// By name in lower case with blanks, as the second version of that specification has them, and those of the first one.
  static let types: [String: String] = [
    "order completed": "purchase", "completed order": "purchase",
    "order refunded": "refund",
    "order cancelled": "order_cancelled",
    "product viewed": "product_view", "viewed product": "product_view",
    "product list viewed": "product_list_view", "viewed product category": "product_list_view",
    "products searched": "search",
    "product added": "cart_add", "added product": "cart_add",
    "product removed": "cart_remove", "removed product": "cart_remove",
    "cart viewed": "cart_view",
    "checkout started": "checkout_start",
    "product added to wishlist": "wishlist_add",
    "product reviewed": "review",
    "product shared": "share", "cart shared": "share",
    "promotion viewed": "ad_view", "viewed promotion": "ad_view",
    "promotion clicked": "ad_click", "clicked promotion": "ad_click",
  ]

  /// The type of an event: that of its name, whatever its case and with `_` or `-` for blanks; else the name as it is.
  static func type(of event: [UInt8]) -> [UInt8] {
    if event.count > 32 { return event }
    let plain = event.map { byte -> UInt8 in
      if byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-") { return 0x20 }
      return byte &- 65 < 26 ? byte + 32 : byte
    }
    return types[String(decoding: plain, as: UTF8.self)].map { Array($0.utf8) } ?? event
  }
}
