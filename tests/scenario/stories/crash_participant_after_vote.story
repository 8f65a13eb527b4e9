story: A participant dies after its vote: the client hears done, the participant asks after its restart
about: crash: participant after PREPARED
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

crash east after sending vote
settle s1 100.00 of li at care
expect east is down
expect s1 done
expect s1 PREPARED at east
wait 10s
restart east
expect s1 COMMITTED at east
expect wang has 430.00
