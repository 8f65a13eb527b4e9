story: A payer's node dies after its vote and the transaction is aborted while it is down: after its start it asks, and gives the hold back
about: crash: participant after PREPARED
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

lose every vote from home to care
crash east after sending vote
settle s1 100.00 of li at care
expect east is down
expect first try of s1 ABORTED at care
expect east holds 70.00
let vote pass from home to care
lose next vote from east to care
lose next inquire from east to care
restart east
expect first try of s1 ABORTED at east within 1m
expect east holds 0.00
expect s1 refused HOME_UNREACHABLE
