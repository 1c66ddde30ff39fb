// SPDX-License-Identifier: Apache-2.0
#include "readmodel/projectors.hpp"

#include "readmodel/row_io.hpp"
#include "readmodel/rows.hpp"
#include "readmodel/vb_rows.hpp"

namespace tradecore::app::readmodel {

namespace {

template <class... Rows>
std::vector<read_table> tables_of()
{
    return {describe_table<Rows>()...};
}

template <class... Projectors>
projector_list list_of(Projectors... made)
{
    projector_list out;
    out.reserve(sizeof...(made));
    (out.push_back(std::move(made)), ...);
    return out;
}

} // namespace

projector_list make_main_projectors()
{
    return list_of(
        make_users_projector(), make_accounts_projector(), make_connections_projector(), make_orders_projector(),
        make_positions_projector(), make_audit_projector());
}

projector_list make_vb_projectors()
{
    return list_of(make_vb_accounts_projector(), make_vb_orders_projector(), make_vb_fills_projector());
}

const std::vector<read_table>& read_tables(system which)
{
    static const auto main = tables_of<
        user_row, user_account_row, account_row, connection_row, order_row, position_row, portfolio_row, audit_row>();
    static const auto vb = tables_of<vb_account_row, vb_order_row, vb_fill_row>();
    return which == system::main ? main : vb;
}

} // namespace tradecore::app::readmodel
