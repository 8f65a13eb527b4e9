story: The payer's account is at the coordinator's own node: its hold is given back with the abort
about: crash: coordinator before COMMITTED is flushed
given provinces care, home
given li of home with 30.00
given zhou of care with 300.00
given zhou pays for li

crash care before writing COMMITTED as coordinator
settle s1 100.00 of li at care
expect care is down
expect care holds 70.00
restart care
expect care holds 0.00
expect zhou can spend 300.00
expect care is open
wait 1s
send s1 again
expect s1 paid by li 30.00, zhou 70.00
expect zhou has 230.00
