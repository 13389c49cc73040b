# Visits of Matomo's Live.getLastVisitsDetails (format=JSON, one list) to CloudEvents: jq -c -f docs/mappings/matomo.jq visits.json
def types: {action: "page_view", outlink: "outlink", download: "download", search: "search", goal: "goal",
  ecommerceOrder: "purchase", ecommerceAbandonedCart: "cart_abandoned"};
.[] | . as $visit | ((.userId // "") != "") as $isKnown
| (if $isKnown then .userId else .visitorId end) as $subject
# Who signed in during a visit has the cookie's visits of before.
| (select($isKnown and .actionDetails != []) | {specversion: "1.0", id: "identify.\(.idVisit)", source: "matomo/\(.idSite)",
    type: "identify", subject: $subject, time: (.actionDetails[0].timestamp | tonumber | todate), data: {anonymous_id: .visitorId}}),
  (.actionDetails | to_entries[] | .key as $place | .value
   | {specversion: "1.0",
      # A visit grows at its end while it lasts: the place of an action in it stays.
      id: "\($visit.idVisit).\($place)", source: "matomo/\($visit.idSite)",
      type: (if .type == "event" then .eventAction else (types[.type] // .type) end),
      subject: $subject, time: (.timestamp | tonumber | todate),
      data: ({url, title: .pageTitle, category: .eventCategory, name: (.eventName // .goalName), value: .eventValue,
         keyword: .siteSearchKeyword, order_id: .orderId, amount: (if .type == "ecommerceOrder" then (.revenue | tostring) else null end),
         currency: (if .type == "ecommerceOrder" then $visit.siteCurrency else null end), channel: $visit.referrerType}
        | with_entries(select(.value != null and .value != "")))})
