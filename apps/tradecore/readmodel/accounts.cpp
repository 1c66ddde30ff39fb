// SPDX-License-Identifier: Apache-2.0
#include "readmodel/aggregate_projector.hpp"
#include "readmodel/main_decode.hpp"
#include "readmodel/projectors.hpp"
#include "readmodel/rows.hpp"

namespace tradecore::app::readmodel {

namespace {

/// From account streams: AccountCreated (SYNC), FundsDeposited, FundsReserved, FillSettled, FundsReleased.
struct accounts_fold {
    using row = account_row;
    using event = domain::event;
    static constexpr std::string_view name = "accounts";
    static constexpr auto creation = projection::mode::sync;

    static event decode(const events::recorded_event& recorded) { return decode_main(recorded); }

    static row make(const domain::account_created& e)
    {
        row out;
        out.id = e.account_id;
        out.user_id = e.user_id;
        out.currency = e.currency;
        out.created_at = out.updated_at = e.occurred_at;
        return out;
    }

    static void change(row& to, const domain::funds_deposited& e)
    {
        to.cash_free += e.amount;
        to.deposited += e.amount;
    }

    static void change(row& to, const domain::funds_reserved& e)
    {
        to.cash_free -= e.cash;
        to.cash_reserved += e.cash;
    }

    static void change(row& to, const domain::fill_settled& e)
    {
        to.cash_reserved -= e.consumed_cash;
        if (e.side == domain::side::sell)
            to.cash_free += e.notional - e.fee;
        to.fees_paid += e.fee;
        to.fills += 1;
    }

    static void change(row& to, const domain::funds_released& e)
    {
        to.cash_free += e.cash;
        to.cash_reserved -= e.cash;
    }
};

} // namespace

std::unique_ptr<projection::projector> make_accounts_projector()
{
    return std::make_unique<aggregate_projector<accounts_fold>>();
}

} // namespace tradecore::app::readmodel
