// SPDX-License-Identifier: Apache-2.0
#include "broker/codec.hpp"
#include "readmodel/aggregate_projector.hpp"
#include "readmodel/projectors.hpp"
#include "readmodel/vb_rows.hpp"

namespace tradecore::app::readmodel {

namespace {

broker::event decode_vb(const events::recorded_event& recorded)
{
    return broker::decode(recorded.type, recorded.schema_version, recorded.data);
}

/// From broker account streams: BrokerAccountOpened, BrokerFundsDeposited, BrokerFillBooked.
struct vb_accounts_fold {
    using row = vb_account_row;
    using event = broker::event;
    static constexpr std::string_view name = "vb_accounts";
    static constexpr auto creation = projection::mode::async;

    static event decode(const events::recorded_event& recorded) { return decode_vb(recorded); }

    static row make(const broker::broker_account_opened& e)
    {
        row out;
        out.id = e.broker_account_id;
        out.connection_id = e.connection_id;
        out.currency = e.currency;
        out.holdings = boost::json::object();
        out.created_at = out.updated_at = e.occurred_at;
        return out;
    }

    static void change(row& to, const broker::broker_funds_deposited& e)
    {
        to.cash += e.amount;
        to.deposited += e.amount;
    }

    static void change(row& to, const broker::broker_fill_booked& e)
    {
        const bool buys = e.side == domain::side::buy;
        to.cash += (buys ? -e.notional : e.notional) - e.fee;
        to.fees_paid += e.fee;
        to.fills += 1;
        boost::json::value& held = to.holdings.as_object()[e.symbol];
        const auto before = held.is_null() ? domain::quantity{} : domain::quantity::parse(held.as_string());
        held = boost::json::string(((buys ? e.quantity : -e.quantity) + before).text());
    }
};

/// From broker order streams: BrokerOrderAccepted, BrokerOrderFilled, BrokerOrderCancelled.
struct vb_orders_fold {
    using row = vb_order_row;
    using event = broker::event;
    static constexpr std::string_view name = "vb_orders";
    static constexpr auto creation = projection::mode::async;

    static event decode(const events::recorded_event& recorded) { return decode_vb(recorded); }

    static row make(const broker::broker_order_accepted& e)
    {
        row out;
        out.id = e.broker_order_id;
        out.client_order_id = e.client_order_id;
        out.account_id = e.broker_account_id;
        out.symbol = e.symbol;
        out.side = domain::to_text(e.side);
        out.type = domain::to_text(e.type);
        out.status = "open";
        out.quantity = e.quantity;
        out.limit_price = e.limit_price;
        out.reserve = e.reserve;
        out.remaining = e.quantity;
        out.placed_tick = e.placed_tick;
        out.created_at = out.updated_at = e.occurred_at;
        return out;
    }

    static void change(row& to, const broker::broker_order_filled& e)
    {
        to.filled = e.filled;
        to.remaining = e.remaining;
        to.notional += e.notional;
        to.fees += e.fee;
        to.fills += 1;
        if (e.remaining.is_zero()) {
            to.status = "filled";
            to.closed_at = e.occurred_at;
        }
    }

    static void change(row& to, const broker::broker_order_cancelled& e)
    {
        to.filled = e.filled;
        to.remaining = e.remaining;
        to.status = "cancelled";
        to.reason = e.reason;
        to.closed_at = e.occurred_at;
    }
};

/// From broker order streams: BrokerOrderFilled.
class vb_fills_projector final : public typed_projector {
public:
    vb_fills_projector()
        : typed_projector("vb_fills", 1, {{broker::broker_order_filled::event_type, projection::mode::async}})
    {}

    [[nodiscard]] boost::asio::awaitable<void>
    apply(database& read, std::span<const events::recorded_event> batch) override
    {
        std::vector<vb_fill_row> rows;
        rows.reserve(batch.size());
        for (const auto& recorded : batch) {
            const auto happened = decode_vb(recorded);
            const auto& e = std::get<broker::broker_order_filled>(happened);
            rows.push_back(
                {e.fill_id, e.broker_order_id, e.client_order_id, e.broker_account_id, e.symbol,
                 std::string{domain::to_text(e.side)}, e.tick, e.price, e.quantity, e.notional, e.fee, e.occurred_at});
        }
        static_cast<void>(co_await upsert_rows<vb_fill_row>(read, rows));
    }
};

} // namespace

std::unique_ptr<projection::projector> make_vb_accounts_projector()
{
    return std::make_unique<aggregate_projector<vb_accounts_fold>>();
}

std::unique_ptr<projection::projector> make_vb_orders_projector()
{
    return std::make_unique<aggregate_projector<vb_orders_fold>>();
}

std::unique_ptr<projection::projector> make_vb_fills_projector()
{
    return std::make_unique<vb_fills_projector>();
}

} // namespace tradecore::app::readmodel
