// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "readmodel/read_table.hpp"

#include <tradecore/projection/projector.hpp>

#include <memory>
#include <vector>

/// The read models and the projectors that write them. SYNC are UserCreated in "users", AccountCreated in "accounts",
/// ConnectionCreated in "connections" and OrderPlaced in "orders"; everything else is ASYNC.
/// Table names are unqualified: a connection with another search_path writes into another schema's tables.
/// Times in rows are event times, so that equal events make equal rows.
namespace tradecore::app::readmodel {

using projector_list = std::vector<std::unique_ptr<projection::projector>>;

/// What: users, accounts, connections, orders, positions, audit: the tables of database/tradecore.sql.
projector_list make_main_projectors();
/// What: vb_accounts, vb_orders, vb_fills: the tables of database/tradecore_vb.sql.
projector_list make_vb_projectors();

std::unique_ptr<projection::projector> make_users_projector();
std::unique_ptr<projection::projector> make_accounts_projector();
std::unique_ptr<projection::projector> make_connections_projector();
std::unique_ptr<projection::projector> make_orders_projector();
std::unique_ptr<projection::projector> make_positions_projector();
std::unique_ptr<projection::projector> make_audit_projector();
std::unique_ptr<projection::projector> make_vb_accounts_projector();
std::unique_ptr<projection::projector> make_vb_orders_projector();
std::unique_ptr<projection::projector> make_vb_fills_projector();

enum class system { main, vb };

/// What: all tables that the projectors of a system write, in a fixed order. None of their columns holds a log
///   position or anything of the wall clock.
const std::vector<read_table>& read_tables(system which);

} // namespace tradecore::app::readmodel
