# Rows of GA4's BigQuery export (one JSON object a line) to CloudEvents: jq -cn -f docs/mappings/ga4.jq events.json
# Parameters become members of `data`; user_pseudo_id is the cookie, user_id (if there is one) the customer.
def value: .string_value // .int_value // .double_value // .float_value;
def types: {purchase: "purchase", refund: "refund", view_item: "product_view", view_item_list: "product_list_view",
  search: "search", view_search_results: "search", add_to_cart: "cart_add", remove_from_cart: "cart_remove", view_cart: "cart_view",
  begin_checkout: "checkout_start", add_to_wishlist: "wishlist_add", page_view: "page_view", screen_view: "screen_view",
  view_promotion: "ad_view", select_promotion: "ad_click", share: "share"};
def text: if . == null then null else tostring end;
def event:
  (.event_timestamp | tostring) as $at
  | ([.event_params[]? | {(.key): (.value | value)}] | add // {}) as $params
  | (types[.event_name] // .event_name) as $type
  | (if $type == "refund" then .ecommerce.refund_value else .ecommerce.purchase_revenue end // $params.value) as $amount
  | {specversion: "1.0",
     # A row has no id of its own: these tell rows apart, and are the same when a day is exported again.
     id: ([.user_pseudo_id, $at, .event_name, .event_bundle_sequence_id, .batch_page_id, .batch_ordering_id, .batch_event_index]
       | map(. // "" | tostring) | join(".")),
     source: "ga4", type: $type, subject: (.user_id // .user_pseudo_id),
     # Microseconds, cut off as text: a double would not hold them all.
     time: (($at[:-6] | tonumber | todate[:-1]) + "." + $at[-6:] + "Z"),
     data: ($params
       + (if $type == "purchase" or $type == "refund" then {amount: ($amount | text),
           currency: ($params.currency // .ecommerce.currency), order_id: (.ecommerce.transaction_id // $params.transaction_id)} else {} end)
       + (if .user_id != null and .user_pseudo_id != null then {anonymous_id: .user_pseudo_id} else {} end)
       + {channel: .traffic_source.medium}
       | with_entries(select(.value != null)))};
# The first row of a file that has both names joins them.
foreach (inputs | select(.event_timestamp != null and (.user_id // .user_pseudo_id) != null) | event) as $event
  ({seen: {}};
   (($event.data.anonymous_id // "") + "\n" + $event.subject) as $pair
   | .isNew = ($event.data.anonymous_id != null and (.seen[$pair] | not))
   | if .isNew then .seen[$pair] = true else . end;
   (if .isNew then $event | {specversion, id: ("identify." + .id), source, type: "identify", subject, time,
     data: {anonymous_id: .data.anonymous_id}} else empty end),
   $event)
