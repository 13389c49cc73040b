/// One event of the made-up shop, without a text of its own, so that many millions fit into memory.
struct ShopEvent {
  enum Kind: UInt8 {
    case adView, newsView, search, wordOfMouth, videoCompleted
    case siteVisit, comparisonVisit, guideView, faqView, contentView, demoView, leadCreated
    case identify, cartAdd, checkoutStart, purchase, orderPaid
    case thankYouSent, onboardingStep, offerRedeemed, earlyAccess
    case review, npsResponse, socialPost, referral, supportContact, chat, refund, `return`
  }

  /// Whose name it comes under.
  enum Subject: UInt8 { case customer, cookie, otherCookie, testAccount }

  /// Seconds since the shop opened; when it happened.
  var occurred: Int64
  /// When the shop's export got it: late ones come behind others.
  var exported: Int64
  var customer: UInt32
  var kind: Kind
  var subject: Subject
  /// Index in ``channels``.
  var channel: UInt8
  /// Orders only.
  var isCancelled: Bool
  var isDollars: Bool
  /// What the kind says of itself: cents, stars, a score, a number of a page.
  var number: Int32
  /// A second one: items of an order, the customer of a referral.
  var other: Int32

  static let channels: [String] = [
    "web", "app", "store", "marketplace", "social", "mail", "phone", "chat",
  ]

  static let mail = 5
  static let chat = 7
}

extension ShopEvent.Kind {
  var type: String {
    switch self {
    case .adView: "ad_view"
    case .newsView: "news_view"
    case .search: "search"
    case .wordOfMouth: "word_of_mouth"
    case .videoCompleted: "video_completed"
    case .siteVisit: "site_visit"
    case .comparisonVisit: "comparison_visit"
    case .guideView: "guide_view"
    case .faqView: "faq_view"
    case .contentView: "content_view"
    case .demoView: "demo_view"
    case .leadCreated: "lead_created"
    case .identify: "identify"
    case .cartAdd: "cart_add"
    case .checkoutStart: "checkout_start"
    case .purchase: "purchase"
    case .orderPaid: "order_paid"
    case .thankYouSent: "thank_you_sent"
    case .onboardingStep: "onboarding_step"
    case .offerRedeemed: "offer_redeemed"
    case .earlyAccess: "early_access"
    case .review: "review"
    case .npsResponse: "nps_response"
    case .socialPost: "social_post"
    case .referral: "referral"
    case .supportContact: "support_contact"
    case .chat: "chat"
    case .refund: "refund"
    case .return: "return"
    }
  }
}
