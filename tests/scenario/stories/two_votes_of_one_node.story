story: A participant's key says YES and then NO: the coordinator has both signatures and raises an alarm
about: coordinator ENDED, NO: alarm_equivocation
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

settle s1 100.00 of li at care
expect s1 done
expect s1 COMMITTED at east
lie: east tells care NO of s1
expect alarm equivocation at care
expect s1 ENDED at care
expect wang has 430.00
