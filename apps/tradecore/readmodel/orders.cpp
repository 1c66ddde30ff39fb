// SPDX-License-Identifier: Apache-2.0
#include "readmodel/aggregate_projector.hpp"
#include "readmodel/main_decode.hpp"
#include "readmodel/projectors.hpp"
#include "readmodel/rows.hpp"

namespace tradecore::app::readmodel {

namespace {

/// From order streams: OrderPlaced (SYNC), OrderRejected, OrderPartiallyFilled, OrderFilled, OrderCancelRequested,
/// OrderCancelled.
struct orders_fold {
    using row = order_row;
    using event = domain::event;
    static constexpr std::string_view name = "orders";
    static constexpr auto creation = projection::mode::sync;

    static event decode(const events::recorded_event& recorded) { return decode_main(recorded); }

    static row make(const domain::order_placed& e)
    {
        row out;
        out.id = e.order_id;
        out.user_id = e.user_id;
        out.account_id = e.account_id;
        out.connection_id = e.connection_id;
        out.symbol = e.symbol;
        out.side = domain::to_text(e.side);
        out.type = domain::to_text(e.type);
        out.status = "open";
        out.quantity = e.quantity;
        out.limit_price = e.limit_price;
        out.remaining = e.quantity;
        out.created_at = out.updated_at = e.occurred_at;
        out.data = domain::encode(e).data;
        return out;
    }

    static void change(row& to, const domain::order_rejected& e) { close(to, "rejected", e.reason, e.occurred_at); }
    static void change(row& to, const domain::order_partially_filled& e) { fill(to, e); }

    static void change(row& to, const domain::order_filled& e)
    {
        fill(to, e);
        close(to, "filled", std::nullopt, e.occurred_at);
    }

    static void change(row& to, const domain::order_cancel_requested& e) { to.cancel_requested_at = e.occurred_at; }

    static void change(row& to, const domain::order_cancelled& e)
    {
        to.filled = e.filled;
        to.remaining = e.remaining;
        close(to, "cancelled", e.reason, e.occurred_at);
    }

private:
    static void fill(row& to, const domain::order_fill& e)
    {
        to.filled = e.filled;
        to.remaining = e.remaining;
        to.notional += e.notional;
        to.fees += e.fee;
        to.average_price = domain::average_cost(to.notional, to.filled);
        to.fills += 1;
        to.last_fill_at = e.occurred_at;
    }

    static void close(row& to, std::string_view status, std::optional<std::string> why, domain::timestamp at)
    {
        to.status = status;
        to.reason = std::move(why);
        to.closed_at = at;
    }
};

} // namespace

std::unique_ptr<projection::projector> make_orders_projector()
{
    return std::make_unique<aggregate_projector<orders_fold>>();
}

} // namespace tradecore::app::readmodel
