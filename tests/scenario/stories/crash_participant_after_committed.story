story: A participant dies with COMMITTED on its disk and its ACK unsaid: it acknowledges again
about: crash: participant around COMMITTED
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

crash east after writing COMMITTED as participant
settle s1 100.00 of li at care
expect s1 done
expect east is down
expect s1 COMMITTED at east
for 5s expect s1 not ENDED at care
restart east
expect s1 ENDED at care
expect wang has 430.00
