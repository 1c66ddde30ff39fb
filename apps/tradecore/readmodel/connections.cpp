// SPDX-License-Identifier: Apache-2.0
#include "readmodel/aggregate_projector.hpp"
#include "readmodel/main_decode.hpp"
#include "readmodel/projectors.hpp"
#include "readmodel/rows.hpp"

namespace tradecore::app::readmodel {

namespace {

/// From connection streams: ConnectionCreated (SYNC), ConnectionActivated.
struct connections_fold {
    using row = connection_row;
    using event = domain::event;
    static constexpr std::string_view name = "connections";
    static constexpr auto creation = projection::mode::sync;

    static event decode(const events::recorded_event& recorded) { return decode_main(recorded); }

    static row make(const domain::connection_created& e)
    {
        row out;
        out.id = e.connection_id;
        out.user_id = e.user_id;
        out.account_id = e.account_id;
        out.broker = e.broker;
        out.status = "pending";
        out.created_at = out.updated_at = e.occurred_at;
        return out;
    }

    static void change(row& to, const domain::connection_activated& e)
    {
        to.status = "active";
        to.broker_account_id = e.broker_account_id;
        to.activated_at = e.occurred_at;
    }
};

} // namespace

std::unique_ptr<projection::projector> make_connections_projector()
{
    return std::make_unique<aggregate_projector<connections_fold>>();
}

} // namespace tradecore::app::readmodel
