story: The coordinator dies after it told one participant COMMIT: the other hears it after the restart
about: crash: coordinator after COMMITTED is flushed
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

crash care after sending commit
settle s1 100.00 of li at care
expect care is down
restart care
expect s1 COMMITTED at east
expect s1 COMMITTED at home
send s1 again
expect s1 done
expect li has 0.00
expect wang has 430.00
