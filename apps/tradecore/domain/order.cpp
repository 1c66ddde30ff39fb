// SPDX-License-Identifier: Apache-2.0
#include "domain/order.hpp"

namespace tradecore::app::domain {

namespace {

class applier {
public:
    explicit applier(order_state& order) : order_(order) {}

    void operator()(const order_placed& e)
    {
        order_.status = order_status::open;
        order_.id = e.order_id;
        order_.user_id = e.user_id;
        order_.account_id = e.account_id;
        order_.connection_id = e.connection_id;
        order_.symbol = e.symbol;
        order_.side = e.side;
        order_.type = e.type;
        order_.quantity = e.quantity;
        order_.limit_price = e.limit_price;
    }

    void operator()(const order_rejected&) { order_.status = order_status::rejected; }
    void operator()(const order_partially_filled& e) { fill(e); }

    void operator()(const order_filled& e)
    {
        fill(e);
        order_.status = order_status::filled;
    }

    void operator()(const order_cancel_requested&) { order_.cancel_requested = true; }
    void operator()(const order_cancelled&) { order_.status = order_status::cancelled; }

    template <class Other>
    void operator()(const Other& e)
    {
        throw foreign_event("an order", e.event_type);
    }

private:
    void fill(const order_fill& e)
    {
        order_.filled = e.filled;
        order_.notional += e.notional;
        order_.fees += e.fee;
    }

    order_state& order_;
};

} // namespace

void order_state::apply(const event& happened)
{
    std::visit(applier{*this}, happened);
}

decision<std::vector<event>> decide(const order_state& order, const request_cancel& command)
{
    if (order.status == order_status::none)
        return wrong_state("the order does not exist");
    if (order.is_finished())
        return wrong_state("order is " + std::string{to_text(order.status)} + ": nothing to cancel");
    if (order.cancel_requested)
        return wrong_state("a cancel was requested already");
    return std::vector<event>{order_cancel_requested{order.id, command.tick, command.at}};
}

} // namespace tradecore::app::domain
