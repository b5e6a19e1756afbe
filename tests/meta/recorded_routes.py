"""The routes that installed agents and dashboards call."""

# Number, method and path, as recorded.
RECORDED = """
1 POST /api/agents/register
2 POST /api/agents/{agent_id}/heartbeat
3 GET /api/agents/{agent_id}/config
4 POST /api/agents/{agent_id}/termination
5 POST /api/agents/{agent_id}/cleanup-report
6 GET /api/agents/{agent_id}/pending-commands
7 POST /api/agents/{agent_id}/commands/{command_id}/executed
8 POST /api/agents/{agent_id}/issue-switch-command
9 POST /api/client/instances/{instance_id}/force-switch
10 POST /api/agents/{agent_id}/pricing-report
11 GET /api/client/instances/{instance_id}/pricing
12 GET /api/client/instances/{instance_id}/price-history
13 GET /api/client/instances/{instance_id}/available-options
14 GET /api/agents/{agent_id}/replica-config
15 POST /api/agents/{agent_id}/replicas
16 GET /api/agents/{agent_id}/replicas
17 POST /api/agents/{agent_id}/replicas/{replica_id}/promote
18 DELETE /api/agents/{agent_id}/replicas/{replica_id}
19 PUT /api/agents/{agent_id}/replicas/{replica_id}
20 POST /api/agents/{agent_id}/replicas/{replica_id}/status
21 POST /api/agents/{agent_id}/replicas/{replica_id}/sync-status
22 GET /api/client/{client_id}/replicas
23 POST /api/agents/{agent_id}/rebalance-recommendation
24 POST /api/agents/{agent_id}/create-emergency-replica
25 POST /api/agents/{agent_id}/termination-imminent
26 POST /api/agents/{agent_id}/decide
27 GET /api/agents/{agent_id}/switch-recommendation
28 POST /api/agents/{agent_id}/switch-report
29 GET /api/client/{client_id}/switch-history
30 GET /api/client/{client_id}/agents/decisions
31 GET /api/client/validate
32 GET /api/client/{client_id}
33 GET /api/client/{client_id}/agents
34 GET /api/client/{client_id}/agents/history
35 POST /api/client/agents/{agent_id}/toggle-enabled
36 POST /api/client/agents/{agent_id}/settings
37 POST /api/client/agents/{agent_id}/config
38 DELETE /api/client/agents/{agent_id}
39 GET /api/client/{client_id}/instances
40 GET /api/client/instances/{instance_id}/metrics
41 GET /api/client/{client_id}/savings
42 GET /api/client/{client_id}/stats/charts
43 POST /api/admin/clients/create
44 DELETE /api/admin/clients/{client_id}
45 POST /api/admin/clients/{client_id}/regenerate-token
46 GET /api/admin/clients/{client_id}/token
47 GET /api/admin/stats
48 GET /api/admin/clients
49 GET /api/admin/clients/growth
50 GET /api/admin/instances
51 GET /api/admin/agents
52 GET /api/admin/activity
53 GET /api/admin/system-health
54 POST /api/admin/decision-engine/upload
55 POST /api/admin/ml-models/upload
56 POST /api/admin/ml-models/activate
57 POST /api/admin/ml-models/fallback
58 GET /api/admin/ml-models/sessions
59 GET /api/notifications
60 POST /api/notifications/{notif_id}/mark-read
61 POST /api/notifications/mark-all-read
62 GET /health
"""

# What installed clients ask for too, and never got: method and path.
ASKED_IN_VAIN = """
POST /api/agents/{agent_id}/mark-command-executed
GET /api/agents/{agent_id}
GET /api/client/{client_id}/switches
GET /api/search
GET /api/admin/pool-statistics
GET /api/admin/agent-health
GET /api/admin/export/global-stats
GET /api/client/{client_id}/export/savings
GET /api/client/{client_id}/export/switch-history
GET /api/client/agents/{agent_id}/statistics
GET /api/client/instances/{instance_id}/logs
"""
