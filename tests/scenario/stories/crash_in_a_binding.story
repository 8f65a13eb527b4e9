story: The coordinator of a binding dies after it has committed: both homes have it, the client hears the same
about: crash: coordinator after COMMITTED is flushed
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00

crash care after writing COMMITTED as coordinator
bind b1 wang pays for li at care
expect care is down
restart care
send b1 again
expect b1 done
expect binding b1 active at east
expect binding b1 active at home
settle s1 100.00 of li at care
expect s1 paid by li 30.00, wang 70.00
